"""Pages that are not Jinja templates, with the tags of ``flask kapa-handoff snippet``, however they are loaded."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort
from playwright.sync_api import Page, expect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import conversation_of, tickets
from flask_kapa_handoff.web.urls import STATIC
from tests.browser import libraries
from tests.browser.chat import BUTTON, DIALOG, answer, fill_and_send, reference

pytestmark = pytest.mark.only("sqlite")

GUIDE = (Path(__file__).parents[2] / "docs" / "other-pages.md").read_text()
HELP = "https://help.example.com"
"""The site in the guide; the tests put the real address in its place."""
SLOT = "<div data-kapa-handoff-slot></div>"
FLOATING = ".kapa-handoff-floating " + BUTTON


def block(language: str, having: str = "") -> str:
    """The guide's first code block in a language that has this text."""
    found: list[str] = [each for each in re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL) if having in each]
    assert found, (language, having)
    return found[0]


Pages = dict[str, str | bytes]


@pytest.fixture
def open_site(make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page) -> Callable[..., Page]:
    """Serves pages by their paths, opens the first one; ``{tags}`` stands for the snippet's tags.

    The pages are another origin's, which the Flask app's configuration names.
    """

    def build(pages: Pages, **config: Any) -> Page:
        docs = Flask("docs", static_folder=None)
        address = serve(docs).replace("127.0.0.1", "localhost")
        page.site = make_app(KAPA_HANDOFF_ORIGINS=[address], **config)  # type: ignore[attr-defined]
        site = serve(page.site)  # type: ignore[attr-defined]
        runner = page.site.test_cli_runner()  # type: ignore[attr-defined]
        tags = runner.invoke(args=["kapa-handoff", "snippet", "--origin", site]).stdout

        @docs.get("/", defaults={"path": ""})
        @docs.get("/<path:path>")
        def page_of_the_site(path: str) -> Any:
            content = pages.get(path, pages.get(f"{path}index.html"))
            if path == "favicon.ico":
                return "", 204
            if content is None:
                abort(404)
            if isinstance(content, str):
                content = content.replace("{tags}", tags).replace(HELP, site).replace(DOCS, address)
            kind = guess_type(path)[0] or "text/html"
            return Response(content, mimetype=kind)

        page.goto(f"{address}/{next(iter(pages))}")
        return page

    return build


def body(content: str, *, head: str = "{tags}") -> str:
    return f'<!doctype html><html lang="en"><head><title>Page</title>{head}</head><body>{content}</body></html>'


DOCS = "https://docs.example.com"


def send(page: Page, button: str = BUTTON) -> None:
    """Press the only button, send; the ticket is the site's."""
    expect(page.locator(BUTTON)).to_have_count(1)
    page.click(button)
    fill_and_send(page)
    shown = reference(page)
    assert page.locator("dialog").count() == 1
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    assert stored(page)[0] == shown


def stored(page: Page) -> tuple[str, list[str]]:
    """The newest ticket: its reference, and the ids of its conversation."""
    site = page.site  # type: ignore[attr-defined]
    ticket = tickets(site)[-1]
    return ticket.reference, [str(pair.id) for pair in conversation_of(site, ticket).pairs]


def count_opens(page: Page) -> None:
    page.evaluate("() => { window.opens = 0; KapaHandoff.on('open', () => { opens += 1; }); }")


# --- how the tags are loaded -----------------------------------------------------------------------------------------

ADDRESS = f"{HELP}/handoff/static/handoff.js"
INSERTED = f"""<script>
for (const src of ["{ADDRESS}", "{ADDRESS}"])
    document.head.append(Object.assign(document.createElement("script"), {{src}}));
</script>"""
WAYS = {
    "deferred": f'<script defer src="{ADDRESS}"></script>',
    "async": f'<script async src="{ADDRESS}"></script>',
    "a module": f'<script type="module" src="{ADDRESS}"></script>',
    "an async module": f'<script type="module" async src="{ADDRESS}?v=old"></script>',
    "inserted twice by a script": INSERTED,
    "a classic script and a module": f'<script src="{ADDRESS}"></script><script type=module src="{ADDRESS}"></script>',
    "a copy with a base": f'<script src="/copy.js" data-base="{HELP}/handoff"></script>',
}


@pytest.mark.parametrize("way", WAYS)
def test_however_the_script_is_loaded_it_finds_its_server(way: str, open_site: Callable[..., Page]) -> None:
    """One button, one form, one ticket; its handlers are called once."""
    pages: Pages = {"": body(SLOT, head=WAYS[way]), "copy.js": (STATIC / "handoff.js").read_bytes()}
    page = open_site(pages)
    page.wait_for_function("window.KapaHandoff")
    count_opens(page)
    answer(page)
    send(page)
    assert page.evaluate("opens") == 1


def test_a_script_without_a_tag_says_so_and_does_nothing(open_site: Callable[..., Page]) -> None:
    """Such as one that was imported by a module: it does not know its server."""
    page = open_site({"": body(SLOT, head="")})
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text))
    source = (STATIC / "handoff.js").read_text()
    page.evaluate("source => import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})))", source)
    assert "no script" in warnings[0]
    assert page.evaluate("window.KapaHandoff") is None


# --- a browser without modal dialogs ---------------------------------------------------------------------------------


@pytest.fixture(params=["delete HTMLDialogElement.prototype.showModal", "delete window.HTMLDialogElement"])
def old_page(request: pytest.FixtureRequest, page: Page) -> Page:
    """A page in a browser without modal dialogs; Safari before 15.4 has no dialogs at all."""
    page.add_init_script(request.param)
    return page


@pytest.mark.parametrize("opens", ["a click", "the page's own button"])
def test_without_modal_dialogs_the_button_opens_the_forms_page(
    opens: str, old_page: Page, open_site: Callable[..., Page]
) -> None:
    """The form's page has the conversation, and the ticket is the site's."""
    page = open_site({"": body(SLOT)})
    answer(page, 1)
    answer(page, 2)
    if opens == "a click":
        page.click(BUTTON)
    else:
        page.evaluate("() => void KapaHandoff.open()")
    expect(page.get_by_role("heading", level=1)).to_have_text("Create ticket")
    assert page.url.endswith("/handoff/form")
    fill_and_send(page)
    assert stored(page) == (reference(page), ["a1", "a2"])


def test_without_modal_dialogs_a_page_can_stop_the_form(old_page: Page, open_site: Callable[..., Page]) -> None:
    """The event before it is cancelable there, too."""
    page = open_site({"": body(SLOT)})
    answer(page)
    page.evaluate("document.addEventListener('kapa-handoff:before-open', event => event.preventDefault())")
    page.evaluate("document.addEventListener('kapa-handoff:before-open', () => { window.stopped = true; })")
    page.click(BUTTON)
    page.wait_for_function("window.stopped")
    expect(page.locator(BUTTON)).to_be_visible()


# --- Turbo and htmx boost --------------------------------------------------------------------------------------------

SCRIPTS = {"turbo.js": libraries.turbo, "htmx.js": (STATIC / "vendor" / "htmx.min.js").read_bytes}
HEADS = {"turbo": '<script src="/turbo.js"></script>', "htmx": '<script src="/htmx.js"></script>'}


def two_pages(library: str, content: str, *, tags_in_body: bool = False) -> Pages:
    """Two pages that link to each other, visited by a library."""
    head = HEADS[library] + ("" if tags_in_body else "{tags}")
    links = '<nav hx-boost="true"><a href="/">One</a> <a href="/two">Two</a></nav>'
    tags = "{tags}" if tags_in_body else ""
    name = f"{library}.js"
    return {
        "": body(f"<h1>Page one</h1>{links}{content}{tags}", head=head),
        "two": body(f"<h1>Page two</h1>{links}{content}{tags}", head=head),
        name: SCRIPTS[name](),
    }


def visit(page: Page, name: str, within: str = "body") -> None:
    """Follow a link, without leaving the document."""
    page.evaluate("window.stayed = true")
    page.locator(within).get_by_role("link", name=name, exact=True).click()
    at(page, name)


def at(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=f"Page {name.lower()}")).to_be_visible()
    expect(page.locator("html:not([aria-busy]):not([data-turbo-preview])")).to_have_count(1)
    assert page.evaluate("window.stayed")


@pytest.fixture(params=HEADS)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("content", [SLOT, ""])
def test_a_page_that_comes_back_from_a_snapshot_has_one_button_that_works(
    library: str, content: str, open_site: Callable[..., Page]
) -> None:
    """In its slot, or floating: one for the answer that was there, and still one after the next answer."""
    page = open_site(two_pages(library, content))
    answer(page, 1)
    expect(page.locator(BUTTON)).to_have_count(1)
    visit(page, "Two")
    expect(page.locator(BUTTON)).to_have_count(0)
    page.go_back()
    at(page, "One")
    expect(page.locator(BUTTON)).to_have_count(1)
    page.click(BUTTON)
    expect(page.locator(DIALOG)).to_have_count(1)
    page.keyboard.press("Escape")
    answer(page, 2)
    send(page)
    assert stored(page)[1] == ["a1", "a2"]


def test_a_form_that_is_open_when_its_page_is_left_is_no_dead_dialog_later(
    library: str, open_site: Callable[..., Page]
) -> None:
    """The page comes back without it; its button opens it with what was typed, and later says what was sent."""
    page = open_site(two_pages(library, SLOT))
    visit(page, "Two")
    answer(page)
    count_opens(page)
    page.click(BUTTON)
    page.get_by_label("Your note").fill("Half a thought")
    page.go_back()
    at(page, "One")
    expect(page.locator("dialog")).to_have_count(0)
    page.go_forward()
    at(page, "Two")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator(BUTTON)).to_have_text("Create ticket Draft saved")
    page.click(BUTTON)
    expect(page.get_by_label("Your note")).to_have_value("Half a thought")
    page.keyboard.press("Escape")
    send(page)
    assert page.evaluate("opens") == 3
    page.go_back()
    at(page, "One")
    page.go_forward()
    at(page, "Two")
    expect(page.get_by_text(f"Ticket {stored(page)[0]} sent")).to_be_visible()
    expect(page.locator(BUTTON)).to_be_hidden()


def test_a_dialog_that_another_script_takes_away_can_be_opened_again(open_site: Callable[..., Page]) -> None:
    """Such as one that renders the whole body again; what was typed is still there."""
    page = open_site({"": body(SLOT)})
    answer(page)
    page.click(BUTTON)
    page.get_by_label("Your note").fill("Half a thought")
    page.evaluate("document.querySelector('dialog').remove()")
    page.click(BUTTON)
    expect(page.get_by_label("Your note")).to_have_value("Half a thought")
    page.keyboard.press("Escape")
    send(page)


def test_a_script_in_the_body_runs_at_each_visit_and_doubles_nothing(
    library: str, open_site: Callable[..., Page]
) -> None:
    """One button, one handler call, one ticket, on the third page as well."""
    page = open_site(two_pages(library, SLOT, tags_in_body=True))
    count_opens(page)
    visit(page, "Two")
    visit(page, "One")
    answer(page)
    send(page)
    assert page.evaluate("opens") == 1


def test_a_restored_button_of_a_conversation_that_is_over_still_carries_it(
    library: str, open_site: Callable[..., Page]
) -> None:
    """The answer is on the page again, and so is its way to a human."""
    page = open_site(two_pages(library, SLOT))
    answer(page)
    expect(page.locator(BUTTON)).to_have_count(1)
    visit(page, "Two")
    page.evaluate("KapaHandoff.reset('t1')")
    page.go_back()
    at(page, "One")
    send(page)
    assert stored(page)[1] == ["a1"]


# --- the guide's pages -----------------------------------------------------------------------------------------------


def test_the_guide_shows_what_the_command_prints(make_app: Callable[..., Flask]) -> None:
    """Word for word; and the tags in its other blocks are the same."""
    command = block("sh").split()
    done = make_app().test_cli_runner().invoke(args=command[1:])
    assert done.stdout == block("html")
    assert GUIDE.count(block("html")) == 3


def test_the_guides_configuration_names_its_pages(make_app: Callable[..., Flask]) -> None:
    """The line for pages of another origin is what the app takes."""
    app = make_app(mount=False)
    exec(block("python"), {"app": app})  # noqa: S102 - the guide's
    KapaHandoff(app)
    assert state_of(app).config.origins == (DOCS,)


def built(folder: Path) -> Pages:
    """The files of a site that was built, its first page first."""
    texts = {".html", ".js", ".css", ".xml", ".json"}
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path != folder / "index.html"
    )
    return {
        str(path.relative_to(folder)): path.read_text() if path.suffix in texts else path.read_bytes()
        for path in files
    }


def run(*words: object) -> None:
    done = subprocess.run([sys.executable, "-m", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mkdocs_with_materials_instant_navigation(tmp_path: Path, open_site: Callable[..., Page]) -> None:
    """The override of the guide is on each page; after a visit there is one button, one handler, one ticket."""
    (tmp_path / "overrides").mkdir()
    (tmp_path / "overrides" / "main.html").write_text(block("jinja", '"base.html"'))
    (tmp_path / "docs").mkdir()
    for name, title in (("index", "Page one"), ("two", "Page two")):
        (tmp_path / "docs" / f"{name}.md").write_text(f"# {title}\n\n[One](index.md) [Two](two.md)\n\n{SLOT}\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: Docs\nsite_url: {DOCS}/\nplugins: []\n"
        "theme: {name: material, font: false, custom_dir: overrides, features: [navigation.instant]}\n"
    )
    run("mkdocs", "build", "--quiet", "--config-file", tmp_path / "mkdocs.yml", "--site-dir", tmp_path / "site")
    page = open_site(built(tmp_path / "site"))
    count_opens(page)
    answer(page, 1)
    expect(page.locator(BUTTON)).to_have_count(1)
    visit(page, "Two", within="article")
    answer(page, 2)
    send(page)
    assert stored(page)[1] == ["a1", "a2"]
    page.go_back()
    at(page, "One")
    answer(page, 3)
    send(page)
    assert page.evaluate("opens") == 2


def test_sphinx(tmp_path: Path, open_site: Callable[..., Page]) -> None:
    """The template of the guide puts the tags on each page."""
    (tmp_path / "_templates").mkdir()
    (tmp_path / "_templates" / "layout.html").write_text(block("jinja", '"!layout.html"'))
    (tmp_path / "conf.py").write_text('project = "Docs"\ntemplates_path = ["_templates"]\n')
    (tmp_path / "index.rst").write_text(f"Page one\n========\n\n.. raw:: html\n\n   {SLOT}\n")
    run("sphinx", "-q", "-b", "html", tmp_path, tmp_path / "site")
    page = open_site(built(tmp_path / "site"))
    answer(page)
    send(page)


def test_the_configuration_of_docusaurus(open_site: Callable[..., Page], page: Page) -> None:
    """Its tags, in the head of a page as Docusaurus writes them, are those of the snippet."""
    config = block("js", "headTags")
    tags = page.evaluate("(code) => Function(code.replace('export default', 'return'))().headTags", config)
    assert [tag["tagName"] for tag in tags] == ["link", "script"]
    written = "".join(
        f"<{tag['tagName']} " + " ".join(f'{name}="{value}"' for name, value in tag["attributes"].items()) + ">"
        for tag in tags
    )
    page = open_site({"": body(SLOT, head=f"{written}</script>")})
    answer(page)
    send(page)


def test_a_page_with_the_policy_of_the_guide(open_site: Callable[..., Page]) -> None:
    """docs/csp.md: what a page on another origin has to allow is enough."""
    guide = (Path(__file__).parents[2] / "docs" / "csp.md").read_text()
    (policy,) = re.findall(r"```text\n(script-src.*?)```", guide, re.DOTALL)
    meta = f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {" ".join(policy.split())}">'
    page = open_site({"": body(SLOT, head=meta + "{tags}")})
    answer(page)
    send(page)


MOUNT = {
    "jsx": """
        import { StrictMode, useState } from "react";
        import { createRoot } from "react-dom/client";
        function Chat() {
            const [pairs, setPairs] = useState([]);
            const [shown, show] = useState(true);
            window.chat = { add: (pair) => setPairs((before) => [...before, pair]), show };
            return shown ? pairs.map((pair) => <Answer key={pair.id} threadId="t1" pair={pair} />) : <p>Elsewhere</p>;
        }
        createRoot(document.getElementById("app")).render(<StrictMode><Chat /></StrictMode>);
    """,
    "vue": """
        import { createApp, h, ref } from "vue";
        const pairs = ref([]), shown = ref(true);
        window.chat = { add: (pair) => { pairs.value.push(pair); }, show: (value) => { shown.value = value; } };
        const answers = () => pairs.value.map((pair) => h(Answer, { key: pair.id, threadId: "t1", pair }));
        createApp({ render: () => shown.value ? answers() : h("p", "Elsewhere") }).mount("#app");
    """,
}


@pytest.mark.parametrize("language", MOUNT)
def test_an_app_whose_answers_report_themselves(language: str, tmp_path: Path, open_site: Callable[..., Page]) -> None:
    """In StrictMode, and when the visitor comes back to the chat, an answer has one button, and is sent once."""
    component = block(language)
    if language == "vue":
        component = libraries.compiled_vue(component).replace("export default", "const Answer =")
    entry = tmp_path / f"app.{'jsx' if language == 'jsx' else 'js'}"
    entry.write_text(component + MOUNT[language])
    head = '{tags}<script defer src="/app.js"></script>'
    page = open_site({"": body('<div id="app"></div>', head=head), "app.js": libraries.app(entry)})
    page.wait_for_function("window.chat")
    count_opens(page)
    for number in (1, 2):
        page.evaluate("id => chat.add({id, question: 'How?', answer: 'So.'})", f"a{number}")
    expect(page.locator(BUTTON)).to_have_count(2)
    page.evaluate("chat.show(false)")
    expect(page.locator(BUTTON)).to_have_count(0)
    page.evaluate("chat.show(true)")
    expect(page.locator(BUTTON)).to_have_count(2)
    page.click(f"[data-answer-id=a1] {BUTTON}")
    fill_and_send(page)
    shown = reference(page)
    assert stored(page) == (shown, ["a1", "a2"])
    assert page.evaluate("opens") == 1
