"""Everything that an admin may see, and how to get there: one table. A further state is one more row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Source
from flask_kapa_handoff.testing import deliver, tickets
from tests.browser.accessibility.states import State, Visit, click, go_to, see, type_into
from tests.helpers.admin import let_pass, save, with_password
from tests.helpers.answers import store
from tests.helpers.desks import remove_desk, save_desk, save_rules
from tests.helpers.fields import FIELDS, FILLED
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

SITES: dict[str, tuple[Callable[[], KapaHandoff], dict[str, Any]]] = {
    "new": (lambda: KapaHandoff(admin_required=let_pass), {}),
    "busy": (lambda: KapaHandoff(admin_required=let_pass), {"KAPA_HANDOFF_FIELDS": FIELDS}),
    "watched": (lambda: KapaHandoff(admin_required=with_password, viewer_required=let_pass), {}),
}
"""The sites that admins come to: with whom they let in, and their configuration."""

ANSWER = """Two steps:

```sh
keys rotate --all --vault 00000000-0000-0000-0000-000000000000 --reason 'this line is too long for any page' --now
```

| option | default | meaning in more words than there is room for on a telephone | since | until |
|---|---|---|---|---|
| `--all` | off | every key of the vault | 1.0 | – |
"""
CONVERSATION = Conversation(
    (
        QuestionAnswer("What is a key?", "A secret.", id="a1", reaction="upvote"),
        QuestionAnswer(
            "How do I rotate it?",
            ANSWER,
            id="a2",
            uncertain=True,
            reaction="downvote",
            sources=(Source("https://docs.example.com/keys", "Keys"),),
        ),
    )
)


def fill_in(site: Flask, mail_server: MailServer) -> None:
    """Gives the site what its pages show: tickets that were delivered, refused, and not sent yet, and a change."""
    client = site.test_client()
    mail_server.replies["RCPT"] = ["250 OK", "550 5.1.1 no such user"]
    for _number in range(2):
        send_ticket(client, conversation=CONVERSATION, **FILLED)
        deliver(site)
    send_ticket(client, conversation=CONVERSATION, **FILLED)
    save(client, button_text="Ask a human", take_link=["false", "true"], reminder_email="boss@example.com")
    save(client, form_lead="We read every question. " * 6, triggers=["downvote", "uncertainty"])
    save(client, form_lead="We read every question. " * 5 + "Soon.", triggers=["downvote"])
    save_desk(site)
    save_desk(site, "vip", internal=True)
    save_rules(site, ("/pricing/*", "sales"), ("/bugs", "default"))
    store(site, [{"offered": True, "opened": number < 3, "triggers": "always"} for number in range(9)])


def open_ticket(number: int) -> Any:
    def step(visit: Visit) -> None:
        visit.page.goto(f"{visit.address}/handoff/admin/tickets/{tickets(visit.site)[number].reference}")

    return step


def save_elsewhere(visit: Visit) -> None:
    """Another admin changes what this one is looking at."""
    save(visit.site.test_client(), button_text=f"Ask us, {visit.language}")


def choose_all(visit: Visit) -> None:
    """As where there are more tickets than one page holds."""
    visit.locate(".handoff-pick").first.check()
    visit.locate(".handoff-bar").evaluate("bar => bar.insertAdjacentHTML('beforeend', '<input type=hidden name=all>')")
    visit.locate("[name=action][value=delete]").click()
    see("[name=number]")(visit)
    visit.locate("[name=number]").fill("0")
    visit.locate(".handoff-confirm [type=submit]").click()
    see(".handoff-confirm [role=alert]")(visit)


def remove_desk_with_rule(visit: Visit) -> None:
    """The rule stays."""
    save_desk(visit.site, "gone")
    save_rules(visit.site, ("/pricing/*", "sales"), ("/pricing/*", "gone"), ("/pricing/a", "sales"))
    remove_desk(visit.site, "gone")


def add_lonely_desk(visit: Visit) -> None:
    """No page belongs to it."""
    save_desk(visit.site, "lonely")


SETTINGS = go_to("/handoff/admin/")
SAVE = click("#kapa-handoff-admin-save")
UNFOLD = click(".handoff-more summary")


def add_language(visit: Visit) -> None:
    visit.locate("[name=form_added]").select_option("it")
    visit.locate("[name=form_add]").click()
    see("[name='form_title--it']")(visit)


def sign_out(visit: Visit) -> None:
    """The site's guard refuses the next save."""
    visit.page.route("**/handoff/admin/settings", lambda route: route.fulfill(status=401, body="Who?"))


STATES = {
    "settings": State("new", SETTINGS),
    "settings being changed": State(
        "new", type_into("[name=email]", "help@"), see("#kapa-handoff-admin-email-error:not(:empty)")
    ),
    "settings refused": State("new", SAVE, see("[role=alert].handoff-notice")),
    "test mail": State(
        "new", click("#kapa-handoff-admin-send-test-mail"), see("#kapa-handoff-admin-outcome .handoff-notice")
    ),
    "settings unfolded": State("new", UNFOLD, add_language),
    "settings for some answers": State(
        "new", SETTINGS, click("#kapa-handoff-admin-only"), click("#kapa-handoff-admin-uncertainty")
    ),
    "signed out": State("new", sign_out, SAVE, see("#kapa-handoff-admin-failure a")),
    "settings with history": State("busy", SETTINGS),
    "settings changed by two": State(
        "busy", SETTINGS, save_elsewhere, type_into("[name=button_text]", "Mine"), SAVE, see(".handoff-conflict")
    ),
    "history of everything": State("busy", go_to("/handoff/admin/history"), click(".handoff-changes summary")),
    "no history": State("new", go_to("/handoff/admin/history?desk=default")),
    "before a restore": State("busy", go_to("/handoff/admin/history/restore?version=1"), see(".handoff-restore")),
    "settings saved": State(
        "busy", SETTINGS, type_into("[name=button_text]", "Mine"), SAVE, see(".handoff-toast .handoff-link")
    ),
    "settings undone": State(
        "busy",
        SETTINGS,
        type_into("[name=button_text]", "Ask us now"),
        SAVE,
        click("#kapa-handoff-admin-undo"),
        see(".handoff-toast form:not(:has([name=undoes]))"),
    ),
    "settings for viewers": State("watched", SETTINGS),
    "one desk": State("new", go_to("/handoff/admin/desks")),
    "a desk refused": State(
        "new",
        go_to("/handoff/admin/desks"),
        click("[action$=desks] [type=submit]"),
        see("[role=alert].handoff-notice"),
    ),
    "desks": State("busy", go_to("/handoff/admin/desks"), click(".handoff-desk-list summary")),
    "a desk about to be removed": State(
        "busy",
        go_to("/handoff/admin/desks"),
        click("details:has([action$=remove]) > summary"),
        see(".handoff-desk-actions .handoff-danger"),
    ),
    "page rules without effect": State(
        "busy", remove_desk_with_rule, go_to("/handoff/admin/desks"), see(".handoff-rules li")
    ),
    "settings of a desk without pages": State(
        "busy", add_lonely_desk, go_to("/handoff/admin/?desk=lonely"), see(".handoff-heading .handoff-queued")
    ),
    "page rules tried": State(
        "busy",
        go_to("/handoff/admin/desks"),
        type_into("[name=try_path]", "/pricing/x"),
        see(".handoff-tryout strong"),
    ),
    "settings of a desk": State(
        "busy", go_to("/handoff/admin/?desk=sales"), click(".handoff-more:has([name=mail_content]) > summary")
    ),
    "settings of who is on it": State("busy", SETTINGS, click(".handoff-more:has([name=reminder_email]) > summary")),
    "no tickets": State("new", go_to("/handoff/admin/tickets")),
    "tickets": State("busy", go_to("/handoff/admin/tickets")),
    "tickets filtered": State(
        "busy", go_to("/handoff/admin/tickets?q=keys&from=2020-01-01"), see(".handoff-choices[open]")
    ),
    "tickets ticked": State("busy", go_to("/handoff/admin/tickets"), click(".handoff-pick"), see(".handoff-bar")),
    "no ticket matches": State("busy", go_to("/handoff/admin/tickets?q=nothing-like-this")),
    "a ticket to delete": State(
        "busy", open_ticket(1), click(".handoff-further form:first-of-type button"), see(".handoff-confirm")
    ),
    "all tickets to delete": State("busy", go_to("/handoff/admin/tickets"), choose_all),
    "ticket delivered": State("busy", open_ticket(0)),
    "ticket failed": State("busy", open_ticket(1)),
    "ticket waiting": State("busy", open_ticket(2)),
    "no such ticket": State("busy", go_to("/handoff/admin/tickets/T-000000")),
    "no insights": State("new", go_to("/handoff/admin/insights")),
    "insights": State(
        "busy", go_to("/handoff/admin/insights"), click(".handoff-gaps summary"), click(".handoff-table summary")
    ),
    "insights of one question": State(
        "busy",
        go_to("/handoff/admin/insights/tickets?of=questions&name=What+is+a+key%3F"),
        see(".handoff-tickets"),
    ),
    "insights of wrong dates": State("busy", go_to("/handoff/admin/insights?from=soon")),
    "trouble unfolded": State("busy", go_to("/handoff/admin/insights"), click("[data-trouble] summary")),
    "trouble alone": State("busy", go_to("/handoff/admin/trouble")),
    "trouble being ended": State(
        "busy", go_to("/handoff/admin/trouble?sent=1"), see("#kapa-handoff-admin-trouble-now")
    ),
    "check-up unfolded": State(
        "busy",
        go_to("/handoff/admin/doctor"),
        click(".handoff-findings summary"),
        click("#kapa-handoff-admin-report summary"),
    ),
    "check-up": State("busy", go_to("/handoff/admin/doctor")),
}

WALKED = (
    "settings unfolded",
    "settings saved",
    "tickets",
    "ticket failed",
    "insights",
)
"""The states whose stops of the Tab key are looked at."""
