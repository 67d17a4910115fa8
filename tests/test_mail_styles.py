"""The HTML of a mail without its style sheet, which many programs drop; the link to the ticket's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup

from flask_kapa_handoff import KapaHandoff, QuestionAnswer, Source
from flask_kapa_handoff.delivery.mail.styles import with_styles
from flask_kapa_handoff.markdown import TAGS
from flask_kapa_handoff.state import state_of
from tests.helpers.mails import LETTERHEAD, body
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

MARKDOWN = """# One

## Two

Text with `code`, **bold**, [a link](https://e.example/x) and https://e.example/bare

- a
- b

1. c

> quoted

---

| left | middle | right |
|---|:-:|--:|
| a | b | c |

```python
print("a < b")
```
"""

INLINE = {"b", "bdi", "br", "del", "em", "i", "li", "s", "strong", "tbody", "thead", "tr", "span", "html", "head"}
INLINE |= {"meta", "title", "style"}
"""Tags that look as they should without a style of their own."""


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes), (tag, attributes)
        self.found.append((tag, dict(attributes)))


def test_every_element_has_its_style(write: Callable[..., bytes]) -> None:
    """In a mail with everything that one can have."""
    pair = QuestionAnswer(
        "Q",
        MARKDOWN,
        "a1",
        (Source("S", "https://e.example/s"),),
        uncertain=True,
        reaction="downvote",
        stopped=True,
        comment="C",
        files=("F",),
    )
    html = body(
        write(
            pairs=[pair] * 3,
            visitor_name="Ada",
            page="https://e.example/p",
            flag="F",
            fields={"a": "b"},
            context={"c": "d"},
            earlier_pairs=1,
            letterhead=replace(LETTERHEAD, ticket_url="https://docs.example.com/T"),
        ),
        "html",
    )
    tags = Tags(html).found
    assert [tag for tag, attributes in tags if tag not in INLINE and not attributes.get("style")] == []
    assert {tag for tag, _ in tags} >= {"pre", "code", "table", "blockquote", "hr", "h1", "ul", "ol", "a"}


def test_each_tag_of_markdown_has_a_style_or_needs_none() -> None:
    """A tag that is allowed later is not forgotten."""
    for tag in TAGS - INLINE:
        assert with_styles(Markup(f"<{tag}>")).startswith(f'<{tag} style="'), tag  # noqa: S704
        assert with_styles(Markup(f"<{tag} dir='auto'>")).startswith(f'<{tag} style="'), tag  # noqa: S704
    for tag in TAGS & INLINE:
        assert with_styles(Markup(f"<{tag}>")) == f"<{tag}>"  # noqa: S704


def test_columns_keep_their_alignment(write: Callable[..., bytes]) -> None:
    """A style with another one would override it."""
    tags = Tags(body(write(pairs=[QuestionAnswer("Q", MARKDOWN)]), "html")).found
    cells = [attributes for tag, attributes in tags if tag in ("th", "td") and "scope" not in attributes]
    aligned = [attributes for attributes in cells if attributes.get("align")]
    assert [attributes["align"] for attributes in aligned] == ["center", "right"] * 2
    assert not [one for one in aligned if "text-align" in str(one["style"])]


HOSTILE = [
    "[x](<https://e.example/<p >)",
    "[x](https://e.example/<p%20)",
    '[x](<https://e.example/"><pre >>)',
    "<p onclick=alert(1)>",
    "`<pre >`",
    "&lt;p &gt;",
    "https://e.example/<td >",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_taken_for_a_tag(write: Callable[..., bytes], text: str) -> None:
    """A style is never written into an address or a text."""
    html = body(write(pairs=[QuestionAnswer("Q", text)], note=text, context={"a": text}), "html")
    allowed = {"align", "cellpadding", "cellspacing", "charset", "class", "content", "dir", "href", "lang", "name"}
    for tag, attributes in Tags(html).found:
        assert attributes.keys() <= allowed | {"rel", "scope", "style", "valign"}, tag
        assert "style=" not in str(attributes.get("href"))


# The link to the ticket's page


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({}, None),
        ({"SERVER_NAME": "docs.example.com"}, "http://docs.example.com/handoff/admin/tickets/"),
        (
            {"SERVER_NAME": "docs.example.com", "PREFERRED_URL_SCHEME": "https", "APPLICATION_ROOT": "/app/"},
            "https://docs.example.com/app/handoff/admin/tickets/",
        ),
        (
            {"KAPA_HANDOFF_TRUSTED_HOSTS": ["docs.example.com:8443", "b.example"], "PREFERRED_URL_SCHEME": "https"},
            "https://docs.example.com:8443/handoff/admin/tickets/",
        ),
        (
            {
                "SERVER_NAME": "a.example",
                "KAPA_HANDOFF_URL_PREFIX": "/help",
                "KAPA_HANDOFF_TRUSTED_HOSTS": ["b.example"],
            },
            "http://a.example/help/admin/tickets/",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Current server name")  # the lowest Werkzeug
def test_the_tickets_page_is_found_by_the_configuration(
    make_app: Callable[..., Flask], config: dict[str, Any], url: str | None
) -> None:
    """No request is asked: its Host may be anything."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view), **config)
    assert state_of(app).ticket_url("T-7F3K2Q") == (url and f"{url}T-7F3K2Q")
    with app.test_request_context(base_url="https://evil.example"):
        assert state_of(app).ticket_url("T-7F3K2Q") == (url and f"{url}T-7F3K2Q")


def test_a_site_without_admin_pages_has_no_link(make_app: Callable[..., Flask]) -> None:
    """It would lead nowhere."""
    assert state_of(make_app(SERVER_NAME="docs.example.com")).ticket_url("T-7F3K2Q") is None


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_mail_links_the_tickets_page(make_app: Callable[..., Flask], mail_server: MailServer, kind: str) -> None:
    """The link leads to the ticket."""
    app = make_app(
        handoff=KapaHandoff(admin_required=lambda view: view),
        SERVER_NAME="localhost",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mail_server.port,
        KAPA_HANDOFF_DELIVERY="inline",
    )
    client = app.test_client()
    reference = send_ticket(client)
    text = mail_server.received[0].body(kind)
    assert f"http://localhost/handoff/admin/tickets/{reference}" in text
    page = client.get(f"/handoff/admin/tickets/{reference}")
    assert page.status_code == 200


def test_texts_from_right_to_left_have_their_quotes_and_tables_at_the_right(write: Callable[..., bytes]) -> None:
    """The line of a quote is where its text begins, and so is a table."""
    answer = "> اقتباس\n\n| ا |\n|---|\n| ب |\n\n> quote\n\n| a |\n|---|\n| b |"
    tags = Tags(body(write(pairs=[QuestionAnswer("Q", answer)]), "html")).found
    blocks = [one for tag, one in tags if tag in ("blockquote", "table") and "dir" in one]
    assert [one["dir"] for one in blocks] == ["rtl", "rtl", "ltr", "ltr"]
    quote, table, other_quote, other_table = [str(one["style"]) for one in blocks]
    assert ("border-right" in quote, "border-left" in quote) == (True, False)
    assert ("border-right" in other_quote, "border-left" in other_quote) == (False, True)
    assert ("auto" in table, "auto" in other_table) == (True, False)
