"""``flask kapa-handoff settings`` and ``desks``, ``retry`` of further desks' tickets, and ``handoff.settings``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.settings import settings_history
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from tests.helpers.admin import shown
from tests.helpers.channels import Parrot
from tests.helpers.commands import invoke
from tests.helpers.desks import remove_desk, save_desk, save_rules
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")


def printed(app: Flask, *words: str) -> str:
    """What a command prints; it succeeds."""
    run = invoke(app, *words)
    assert run.exit_code == 0, run.output
    return run.output


def test_settings_are_printed_and_changed(app: Flask) -> None:
    """As text and as JSON; a change is in the history, with who typed it."""
    assert "email:            support@example.com" in printed(app, "settings")
    changed = printed(app, "settings", "--json", "--set", "triggers=uncertainty,downvote", "--set", "threshold=4")
    found = json.loads(changed)
    assert (found["triggers"], found["threshold"], found["version"]) == (["uncertainty", "downvote"], 4, 1)
    with state_of(app).database.read() as connection:
        (change,) = settings_history(connection)
    assert change.changed_by.endswith("(command line)")
    assert "triggers:         uncertainty,downvote" in printed(app, "settings")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("email=support", "email:"),
        ("triggers=sometimes", "triggers:"),
        ("threshold=0", "threshold: use a whole number from 1 to 100"),
        ("enabled=maybe", "enabled: use True or False"),
        ("button_text=", "button_text: use text of 1 to 60 characters"),
        ("channel=owl", "channel: use one of mail"),
        ("mail_content=nothing", "mail_content: use transcript or link"),
        ("tickets_per_hour=0", "tickets_per_hour: use a whole number"),
        ("label=" + "x" * 61, "label: use text of at most 60 characters"),
        ('form={"accent": "red"}', "form:"),
        ("form=[", "this is not JSON"),
        ("colour=red", "use NAME=VALUE"),
        ("email", "use NAME=VALUE"),
        ("removed=true", "so it stays"),
    ],
)
def test_the_checks_are_those_of_the_pages(app: Flask, change: str, told: str) -> None:
    """Nothing is saved, and the message says what is allowed."""
    run = invoke(app, "settings", "--set", "button_text=Ask", "--set", change)
    assert run.exit_code != 0
    assert told in " ".join(run.output.split())
    assert json.loads(printed(app, "settings", "--json"))["version"] == 0


def test_pinned_settings_stay(make_app: Callable[..., Flask]) -> None:
    """The message names the key."""
    run = invoke(make_app(KAPA_HANDOFF_PINNED="email"), "settings", "--set", "email=other@example.com")
    assert "KAPA_HANDOFF_PINNED keeps it as KAPA_HANDOFF_EMAIL says" in run.output


def test_desks_are_listed_added_and_removed(app: Flask) -> None:
    """With where their tickets go and which pages they serve."""
    printed(app, "desks", "add", "sales", "sales@example.com,deals@example.com", "--label", "Sales")
    printed(app, "desks", "add", "bugs")
    printed(app, "desks", "rules", "/pricing/*=sales", "/=bugs")
    listed = " ".join(printed(app, "desks").split())
    assert "sales sales@example.com, deals@example.com" in listed
    assert "bugs no address (no button)" in listed
    assert "pages /pricing/* -> sales pages / -> bugs" in listed
    found = [json.loads(line) for line in printed(app, "desks", "--json").splitlines()]
    assert [(one["desk"], one["page_rules"]) for one in found] == [
        ("default", []),
        ("bugs", ["/"]),
        ("sales", ["/pricing/*"]),
    ]
    printed(app, "desks", "remove", "bugs", "--yes")
    assert "bugs" not in printed(app, "desks").replace("-> bugs", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "sales"), "There is a desk 'sales' already."),
        (("add", "Sales desk"), "is not allowed"),
        (("add", "bugs", "nobody"), "email:"),
        (("remove", "nowhere", "--yes"), "There is no desk 'nowhere'."),
        (("remove", "default", "--yes"), "so it stays"),
        (("rules", "/x=nowhere"), "There is no desk 'nowhere'."),
        (("rules", "=sales"), "use a path"),
    ],
)
def test_what_is_wrong_about_a_desk_is_said(app: Flask, words: tuple[str, ...], told: str) -> None:
    """Nothing changes."""
    save_desk(app)
    before = printed(app, "desks")
    run = invoke(app, "desks", *words)
    assert run.exit_code == 1
    assert told in run.output
    assert printed(app, "desks") == before


def test_snippets_name_desks_that_browsers_may_name(app: Flask) -> None:
    """An internal one is refused, with those that are allowed."""
    save_desk(app)
    save_desk(app, "vip", internal=True)
    assert 'data-desk="sales"' in printed(app, "snippet", "--desk", "sales")
    refused = invoke(app, "snippet", "--desk", "vip")
    assert refused.exit_code == 2
    assert "use one of default, sales." in " ".join(refused.output.split())


def test_retry_sends_each_ticket_to_its_own_desk(app: Flask) -> None:
    """One, or all of them; and to another address if it is named."""
    client = app.test_client()
    save_desk(app)
    mine, other = send_ticket(client, offer=signed_offer(client, desk="sales")), send_ticket(client)
    save_desk(app, email="new@example.com")
    printed(app, "retry", mine)
    assert recipients(app) == ["new@example.com", "support@example.com"]
    with state_of(app).database.write() as connection:
        connection.exec_driver_sql("UPDATE kapa_handoff_ticket SET status = 'failed'")
    save_desk(app, email="newer@example.com")
    assert printed(app, "retry", "--failed") == "2 failed tickets are due now.\n"
    assert recipients(app) == ["newer@example.com", "support@example.com"]
    remove_desk(app)
    assert "There is no desk 'sales' any more" in printed(app, "retry", mine)
    printed(app, "retry", mine, "--to", "rest@example.com")
    assert recipients(app) == ["rest@example.com", "support@example.com"]
    assert "--to" in invoke(app, "retry", other, "--to", "nobody").output


def recipients(app: Flask) -> list[str]:
    return [ticket.recipient for ticket in tickets(app)]


def test_an_address_is_erased_from_among_others(app: Flask) -> None:
    """From the history of every desk, but not where tickets still go."""
    save_desk(app, email="ada@example.com, sales@example.com")
    save_desk(app, email="sales@example.com")
    assert "removed from 2 changes" in printed(app, "erase", "ada@example.com", "--yes")
    assert "Tickets go to sales@example.com" in printed(app, "erase", "sales@example.com", "--yes")
    with state_of(app).database.read() as connection:
        history = settings_history(connection, "sales")
    assert [change.after.email for change in history] == ["sales@example.com", "sales@example.com"]


def test_the_sites_code_reads_and_saves_settings(make_app: Callable[..., Flask]) -> None:
    """``handoff.settings``, in the app's context."""
    handoff = KapaHandoff()
    app = make_app(handoff=handoff)
    with app.app_context():
        assert handoff.settings.get().email == "support@example.com"
        saved = handoff.settings.save(
            "sales", email=["a@example.com"], form={"accent": "#0b5fff"}, changed_by="deploy"
        )
        assert handoff.settings.get("sales") == saved
        assert (saved.recipients, saved.form.accent) == (("a@example.com",), "#0b5fff")
        again = handoff.settings.save("sales", email=["a@example.com"], changed_by="deploy")
        assert again.version == saved.version
        with pytest.raises(LookupError, match="nowhere"):
            handoff.settings.get("nowhere")
        with pytest.raises(ValueError, match=r"colour: there is no such setting.*threshold: use"):
            handoff.settings.save(colour="red", threshold=0, changed_by="deploy")
        handoff.settings.save_page_rules([("/pricing/*", "sales")], changed_by="deploy")
        assert handoff.settings.page_rules == (("/pricing/*", "sales"),)
        assert list(handoff.settings.all()) == ["default", "sales"]
        handoff.settings.remove("sales", changed_by="deploy")
        with pytest.raises(LookupError):
            handoff.settings.get("sales")


# The check-up


def test_the_check_up_speaks_of_every_desk(make_app: Callable[..., Flask]) -> None:
    """Where tickets go, what shows no button, which channel is missing, and names that are none."""
    app = make_app()
    save_desk(app, mail_content="link")
    save_desk(app, "bugs", email=None)
    save_desk(app, "late")
    save_rules(app, ("/late/*", "late"))
    save_desk(app, "late", internal=True)
    app.test_client().get("/handoff/offer?pairs=1&desk=salse")
    said = " ".join(invoke(app, "doctor").output.split())
    assert "Tickets go to support@example.com." in said
    assert "Tickets of Sales go to sales@example.com." in said
    assert "The desk Bugs has no address to send tickets to." in said
    assert "The mails of Sales hold only a link to the ticket's page, and its address is not known." in said
    assert "Some page rules choose no desk: /late/* (late)." in said
    assert "pages named a desk that does not exist or is internal: 1 x salse" in said
    assert "Use the name of a desk in `data-desk` and in templates: default, bugs, sales." in said


def test_the_check_up_page_names_a_desk_whose_channel_is_missing(admin: FlaskClient) -> None:
    """After a deploy that no longer registers it."""
    save_desk(admin.application)
    with state_of(admin.application).database.write() as connection:
        connection.exec_driver_sql("UPDATE kapa_handoff_desk SET channel = 'parrot' WHERE name = 'sales'")
    state_of(admin.application).settings_cache.clear()
    said: Any = shown(admin.get("/handoff/admin/doctor"))
    assert "Tickets of Sales go by the channel 'parrot', which is missing." in said


def test_a_sample_goes_by_the_desks_own_channel(make_app: Callable[..., Flask]) -> None:
    """With ``test-mail --desk``; a name that is none is refused."""
    parrot = Parrot()
    app = make_app(handoff=parrot.handoff())
    save_desk(app, channel="parrot")
    assert "The Parrot accepted the sample ticket" in printed(app, "test-mail", "ada@example.com", "--desk", "sales")
    assert [ticket.desk for ticket in parrot.tickets] == ["sales"]
    refused = invoke(app, "test-mail", "ada@example.com", "--desk", "nowhere")
    assert refused.exit_code == 2
    assert "there is no desk 'nowhere'" in refused.output
