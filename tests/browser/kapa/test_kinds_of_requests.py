"""A handoff is taken over however the page sends it, and goes on to Kapa unchanged if the site fails."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import Site, ask_by_hand, conversation_of, stored
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair

pytestmark = pytest.mark.only("sqlite")

TOOLS = """
const address = "https://proxy.kapa.ai/proxy/query/v2/thread/t1/handoff/";
const fields = JSON.stringify({recipient_email: "someone.else@example.net", user_email: "visitor@example.com"});
const options = {method: "POST", headers: {"Content-Type": "application/json", "X-WEBSITE-ID": "w"}, body: fields};
"""

KINDS = {
    "an address": "fetch(address, options)",
    "a URL": "fetch(new URL(address), options)",
    "a Request": "fetch(new Request(address, options))",
    "a Request with options beside it": "fetch(new Request(address, {...options, body: '{}'}), {body: fields})",
    "a Request that becomes a POST": "fetch(new Request(address), options)",
    "a Request with a signal": "fetch(new Request(address, {...options, signal: new AbortController().signal}))",
    "small letters": "fetch(address, {...options, method: 'post'})",
    "a query behind it": "fetch(address + '?a=/b/#c', options)",
    "another this": "fetch.call(undefined, address, options)",
    "apply": "fetch.apply(window, [address, options])",
    "from another name": "(() => { const ask = fetch; return ask(address, options); })()",
}
STATUS = "async () => {{ {tools} return (await {kind}).status; }}"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_request_is_taken_over(kind: str, site: Site, page: Page, kapa: Answers) -> None:
    """As a ticket of the site; and, when the site fails, by Kapa, who gets what the page sent."""
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    ask_by_hand(page, kapa, pair(1), is_first=True)
    send = STATUS.format(tools=TOOLS, kind=KINDS[kind])
    assert page.evaluate(send) == 201
    assert conversation_of(site) == stored(pair(1))
    assert kapa.to("handoff") == []
    site.instead["offer"] = lambda: ("", 500)
    assert page.evaluate(send) == 200
    (handoff,) = kapa.to("handoff")
    assert handoff.json == {"recipient_email": "someone.else@example.net", "user_email": "visitor@example.com"}
    assert handoff.headers["X-WEBSITE-ID"] == "w"
    page.problems.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("prefix", ["/echo/", "echo/", "echo/a/b/../"])
def test_kapas_requests_may_go_through_the_site(prefix: str, site: Site, page: Page, kapa: Answers) -> None:
    """The host is no mark of Kapa's requests: some sites lead them through their own, also by a relative address."""
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    ask_by_hand(page, kapa, pair(1), is_first=True)
    address = f"'{prefix}proxy/query/v2/thread/t1/handoff/'"
    assert page.evaluate(STATUS.format(tools=TOOLS, kind=f"fetch({address}, options)")) == 201
    assert conversation_of(site) == stored(pair(1))
