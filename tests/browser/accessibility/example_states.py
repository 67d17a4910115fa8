"""Everything that the example site shows, and how to get there: one table. A further state is one more row."""

from __future__ import annotations

from tests.browser.accessibility.states import State, Step, Visit, click, go_to, see
from tests.browser.chat import DIALOG
from tests.example.site import PASSWORD

PHONE, DESKTOP = {"width": 360, "height": 640}, {"width": 1280, "height": 720}


def ask(question: str) -> Step:
    def step(visit: Visit) -> None:
        answers = visit.locate(".votes").count()
        visit.locate("#question").fill(question)
        visit.locate("#question").press("Enter")
        visit.locate(".votes").nth(answers).wait_for()

    return step


def sign_in_with(password: str) -> Step:
    def step(visit: Visit) -> None:
        visit.page.goto(f"{visit.address}/login?next=/handoff/admin/")
        visit.locate("#user").fill("admin")
        visit.locate("#password").fill(password)
        visit.locate("#password").press("Enter")

    return step


def send(visit: Visit) -> None:
    visit.locate("[name=email]").fill("ada@example.com")
    visit.locate(f"{DIALOG} [type=submit]").click()
    see("[data-kapa-handoff-reference]")(visit)


def on_a_phone(visit: Visit) -> None:
    visit.page.set_viewport_size(PHONE)  # type: ignore[arg-type]


def on_a_desktop(visit: Visit) -> None:
    visit.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


STATES = {
    "home": State("example", go_to("/")),
    "page": State("example", go_to("/docs/configuration")),
    "page on a phone": State("example", on_a_phone, go_to("/docs/configuration")),
    "reference on a phone": State("example", go_to("/docs/command-line")),
    "no such page": State("example", on_a_desktop, go_to("/no-such-page")),
    "chat": State("example", go_to("/ask/")),
    "answers": State("example", go_to("/ask/"), ask("What do the exit codes mean?"), ask("Will it rain tomorrow?")),
    "form": State("example", click("[data-kapa-handoff-open]"), see(DIALOG)),
    "confirmation": State("example", send),
    "ways with Kapa": State("example", go_to("/kapa/?way=widget")),
    "Kapa's SDK": State("example", go_to("/kapa/?way=button"), see("#kapa-question")),
    "inbox": State("example", go_to("/inbox/"), see("a.mail")),
    "mail": State("example", click("a.mail"), see("iframe")),
    "login": State("example", go_to("/login")),
    "login refused": State("example", sign_in_with("wrong"), see("[role=alert]")),
    "settings": State("example", sign_in_with(PASSWORD), see("#kapa-handoff-admin-form")),
    "tickets": State("example", go_to("/handoff/admin/tickets")),
    "tour": State("example", go_to("/"), click(".tour .primary"), see("#tour-step")),
    "tour's answers on a phone": State("example", on_a_phone, *[click(".tour-bar .primary"), see(".answer")] * 2),
    "tour's mail on a phone": State("example", click(".tour-bar .primary"), see("iframe")),
    "tour's settings": State("example", on_a_desktop, click(".tour-bar .primary"), see("#kapa-handoff-admin-form")),
}

WALKED = (
    "home",
    "page on a phone",
    "answers",
    "mail",
    "login refused",
    "settings",
    "tour",
    "tour's answers on a phone",
    "tour's settings",
)
"""The states whose stops of the Tab key are looked at."""
