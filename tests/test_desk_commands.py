"""``flask kapa-handoff settings`` and ``desks``, ``retry`` of further desks' tickets, and ``handoff.settings``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.settings import settings_history
from flask_kapa_handoff.settings_api import Settings
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


def test_no_two_desks_have_the_same_label(app: Flask) -> None:
    """Neither from code nor by an import, which may exchange the labels of two."""
    save_desk(app)
    save_desk(app, "bugs")
    with app.app_context():
        handoff = Settings()
        for values in ({"label": "SALES"}, {"label": "main desk"}):
            with pytest.raises(ValueError, match=r"label: the desk '\w+' is called .*, too; use another label"):
                handoff.save("bugs", changed_by="deploy", **values)
            with pytest.raises(ValueError, match=r"bugs: label: the desk '\w+' is called"):
                handoff.load({"desks": [{"desk": "bugs", "threshold": 7, **values}]}, changed_by="deploy")
        assert (handoff.get("bugs").label, handoff.get("bugs").threshold) == ("Bugs", handoff.get().threshold)
        exchanged = [{"desk": "sales", "label": "Bugs"}, {"desk": "bugs", "label": "Sales"}]
        assert handoff.load({"desks": exchanged}, changed_by="deploy") == ("sales", "bugs")
        assert (handoff.get("sales").label, handoff.get("bugs").label) == ("Bugs", "Sales")


def test_an_export_leaves_out_rules_without_effect(app: Flask) -> None:
    """Another site would refuse them; here they stay when the rules are saved again, and further ones are refused."""
    save_desk(app)
    save_rules(app, ("/pricing/*", "sales"))
    remove_desk(app)
    with app.app_context():
        handoff = Settings()
        assert handoff.export()["page_rules"] == []
        handoff.save_page_rules([("/b", "default"), ("/pricing/*", "sales")], changed_by="deploy")
        assert [rule.pattern for rule in handoff.page_rules] == ["/b", "/pricing/*"]
        handoff.load({"desks": [], "page_rules": [["/pricing/*", "sales"]]}, changed_by="deploy")
        assert handoff.page_rules == (("/pricing/*", "sales"),)
        with pytest.raises(ValueError, match="No page rule may choose the desk 'sales'"):
            handoff.save_page_rules([("/c", "sales")], changed_by="deploy")


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


# Export and import

RULES = (("/pricing/*", "sales"), ("/bugs", "default"), ("/x", "sales"))


def filled(app: Flask) -> None:
    """Gives a site three desks that differ in everything, and page rules whose order matters."""
    form = {
        "texts": {"": {"title": "Ask us", "privacy_url": "/privacy"}, "de": {"button_text": "Fragen"}},
        "reply_within": 2,
        "reply_unit": "business-days",
        "office_days": [0, 4],
        "opens": "08:00",
        "time_zone": "Europe/Berlin",
        "unasked": ["order"],
        "accent": "#0b5fff",
        "attachments": True,
    }
    save_desk(
        app, email="a@example.com, b@example.com", form=form, tickets_per_hour=9, triggers="downvote,uncertainty"
    )
    save_desk(app, "default", enabled=False, button_text="Frag – uns", threshold=7, mail_content="link")
    save_desk(app, "vip", email=None, internal=True)
    save_rules(app, *RULES)


def exported(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(app, "desks", "export"))
    return found


def test_what_is_exported_comes_back_whole(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """On another site: every value of every desk and the order of the rules; once more, nothing changes."""
    app = make_app()
    filled(app)
    document, file = exported(app), tmp_path / "desks.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    other = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}/other.sqlite3")
    save_desk(other, "bugs")
    assert printed(other, "desks", "import", str(file)) == "Changed: default, sales, vip.\n"
    again = exported(other)
    assert [one for one in again["desks"] if one["desk"] != "bugs"] == document["desks"]
    assert again["page_rules"] == [list(rule) for rule in RULES]
    with state_of(other).database.read() as connection:
        (change, *_) = settings_history(connection, "sales")
    assert change.changed_by.endswith("(command line)")
    assert printed(other, "desks", "import", str(file)) == "No desk changed.\n"


def test_an_import_keeps_what_a_later_version_has_saved(app: Flask, tmp_path: Path) -> None:
    """Values that are as they were are no mistake."""
    save_desk(app, triggers="downvote", form={"accent": "#0b5fff"})
    with state_of(app).database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE kapa_handoff_desk SET triggers = 'downvote,of-later', "
            'form = \'{"accent": "#0b5fff", "theme": "dark"}\' WHERE name = \'sales\''
        )
    document, file = exported(app), tmp_path / "desks.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert printed(app, "desks", "import", str(file)) == "No desk changed.\n"
    assert exported(app) == document


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("[", "Expecting value"),
        ("[" * 100_000, "recursion"),
        ([], 'use an object with "desks"'),
        ({"desks": [{}]}, 'each with the name of its "desk"'),
        ({"desks": "sales"}, 'each with the name of its "desk"'),
        ({"desks": [], "rules": []}, 'use an object with "desks"'),
        ({"desks": [], "page_rules": ["/x"]}, "page_rules: use a list of pairs"),
        ({"desks": [], "page_rules": [["/x", "nowhere"]]}, "page_rules: 'nowhere' is no desk"),
        ({"desks": [], "page_rules": [["", "default"]]}, "use a path"),
        ({"desks": [{"desk": "Sales desk"}]}, "is not allowed"),
        (
            {"desks": [{"desk": "default", "button_text": "New"}, {"desk": "x", "threshold": 0, "colour": "red"}]},
            "x: threshold: use a whole number from 1 to 100; colour: there is no such setting",
        ),
        (
            {"desks": [{"desk": "vip", "internal": True}], "page_rules": [["/x", "vip"]]},
            "page_rules: 'vip' is no desk that pages may have",
        ),
    ],
)
def test_of_a_wrong_file_nothing_is_saved(app: Flask, tmp_path: Path, document: Any, told: str) -> None:
    """The message names the desk and what is allowed."""
    file = tmp_path / "desks.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    before = exported(app)
    run = invoke(app, "desks", "import", str(file))
    assert run.exit_code == 1
    assert told in run.output
    assert exported(app) == before


def test_settings_of_a_named_desk(app: Flask) -> None:
    """As an argument; one that is not there is named, with those that are."""
    save_desk(app)
    assert json.loads(printed(app, "settings", "sales", "--json"))["email"] == "sales@example.com"
    printed(app, "settings", "sales", "--set", "threshold=9")
    assert json.loads(printed(app, "settings", "sales", "--json"))["threshold"] == 9
    assert json.loads(printed(app, "settings", "--json"))["threshold"] == 3
    assert "There is no desk 'nowhere'; there are default, sales." in invoke(app, "settings", "nowhere").output
