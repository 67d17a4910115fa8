"""The site's fields in the form: shown, checked, reported at their place, stored; and nothing typed is lost."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import DictLoader

from flask_kapa_handoff import Field, Flag, KapaHandoff, Submission
from flask_kapa_handoff.fields import PACKAGE_FIELDS
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings, tickets
from tests.helpers.fields import AREA, FIELDS, FILLED
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import Page, json_of
from tests.helpers.tickets import EMAIL, NOTE, PAIR, SECRET, post, post_json, refused, send_ticket, ticket_fields

PAGES = ["page", "fragment"]
SHAPES = [*PAGES, "json"]


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    return make_app(KAPA_HANDOFF_FIELDS=FIELDS)


@pytest.fixture
def visitor(site: Flask) -> Iterator[FlaskClient]:
    with site.test_client() as client:
        yield client


def opened(client: FlaskClient, **query: str) -> Page:
    answer = client.get("/handoff/form", query_string={"offer": signed_offer(client), **query})
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def kept(page: Page, **fields: str) -> bool:
    return {**FILLED, **fields}.items() <= page.fields.items()


# --- shown -----------------------------------------------------------------------------------------------------------


def test_the_form_has_the_fields_of_the_table_in_its_order(visitor: FlaskClient) -> None:
    """Each with its label, its help, and a mark of whether it may be left out; another desk's is not there."""
    page = opened(visitor)
    names = [found["name"] for tag, found in page.elements if tag in ("input", "textarea", "select")]
    shown = [name for name in names if name not in ("offer", "submission_id", "conversation", "website")]
    assert shown == [*(row.name for row in PACKAGE_FIELDS), "order", "area", "steps", "urgent"]
    order, area = page.one("input", name="order"), page.one("select", name="area")
    assert page.texts[order["aria-describedby"]] == "It stands at the top of your invoice."
    assert ("aria-required" in area, "aria-required" in order) == (True, False)
    assert [found["value"] for found in page.all("option")] == ["", "Billing", "Vaults & keys"]
    assert page.one("input", name="urgent")["type"] == "checkbox"
    labels = {found["for"] for found in page.all("label") if "for" in found}
    assert {order["id"], area["id"], page.one("textarea", name="steps")["id"]} <= labels
    words = " ".join(page.text.split())
    assert "Order number optional" in words
    assert "Area optional" not in words
    assert page.fields["area"] == ""
    assert "urgent" not in page.fields


def test_the_form_is_opened_with_the_defaults(make_app: Callable[..., Flask]) -> None:
    """Of each kind; where one choice is always chosen there is no empty one."""
    fields = [
        Field("plan", "Plan", default="free"),
        Field("area", "Area", choices=("a", "b"), default="b", required=True),
        Field("copy", "Copy", "checkbox", default=True),
    ]
    page = opened(make_app(KAPA_HANDOFF_FIELDS=fields).test_client())
    assert (page.fields["plan"], page.fields["area"], page.fields["copy"]) == ("free", "b", "yes")
    assert [found["value"] for found in page.all("option")] == ["a", "b"]


def test_the_preview_of_the_admin_shows_the_fields(make_app: Callable[..., Flask]) -> None:
    """As the visitors get them; and the admin's room needs nothing of the visitor's."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view), KAPA_HANDOFF_FIELDS=FIELDS)
    page = app.test_client().get("/handoff/admin/").text
    assert "Order number" in page
    assert "It keeps me from working" in page
    assert 'name="branch"' not in page
    code = "import sys, flask_kapa_handoff.admin; print([name for name in sys.modules if '_handoff.visitor' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- stored ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_fields_say_is_stored(site: Flask, visitor: FlaskClient, shape: str) -> None:
    """By name, on both databases; a checkbox that is not ticked says no, and empty fields are left out."""
    fields = ticket_fields(visitor, **{**FILLED, "order": " 47\t11 ", "steps": "one\r\ntwo "})
    answer = post_json(visitor, fields) if shape == "json" else post(visitor, shape, fields)
    assert answer.status_code == 201, answer.text
    assert tickets(site)[-1].fields == {**FILLED, "order": "47 11"}
    send_ticket(visitor, area="Billing")
    assert tickets(site)[-1].fields == {"area": "Billing", "urgent": "no"}


def test_a_site_without_fields_stores_none(client: FlaskClient, app: Flask) -> None:
    """The column stays empty."""
    send_ticket(client)
    assert tickets(app)[0].fields == {}


def test_a_field_may_have_any_name_that_is_not_reserved(make_app: Callable[..., Flask]) -> None:
    """Also those under which WTForms, FlaskForm and the form itself know something."""
    names = ["data", "errors", "meta", "validate", "process", "shown", "desk", "row", "on_submit", "title", "name"]
    app = make_app(KAPA_HANDOFF_FIELDS=[Field(name, name.title()) for name in names])
    client = app.test_client()
    page = opened(client)
    assert set(names) <= set(page.fields)
    send_ticket(client, **{name: f"the {name}" for name in names})
    assert tickets(app)[0].fields == {name: f"the {name}" for name in names}
    wrong = Page(post(client, "page", ticket_fields(client, data="x" * 201)).text)
    assert "The limit is 200." in wrong.said_at("data")


def test_typed_secrets_are_masked_and_choices_are_not(make_app: Callable[..., Flask]) -> None:
    """As in the note; a choice is the site's own text."""
    choice = "password: forgotten"
    fields = [Field("steps", "Steps", "textarea"), Field("area", "Area", choices=(choice,))]
    app = make_app(KAPA_HANDOFF_FIELDS=fields)
    send_ticket(app.test_client(), steps=f"token {SECRET}", area=choice)
    assert tickets(app)[0].fields == {"steps": "token [hidden: GitHub token]", "area": choice}
    plain = make_app(KAPA_HANDOFF_FIELDS=fields, KAPA_HANDOFF_REDACT=False, name="plain")
    send_ticket(plain.test_client(), steps=f"token {SECRET}")
    assert tickets(plain)[0].fields["steps"] == f"token {SECRET}"


def test_the_octets_of_the_fields_count(site: Flask, visitor: FlaskClient) -> None:
    """For the quotas, as those of note and conversation do."""
    send_ticket(visitor, area="Billing")
    send_ticket(visitor, area="Billing", steps="é" * 100)
    shorter, longer = tickets(site)
    assert longer.size - shorter.size == 200 + len(',"steps":""')


def test_the_filter_of_the_site_sees_the_fields(make_app: Callable[..., Flask]) -> None:
    """As they will be stored, the masks aside."""
    handoff = KapaHandoff()
    handoff.ticket_filter(lambda submission: Flag(seen(submission)))

    def seen(submission: Submission) -> str:
        return json.dumps(dict(submission.fields), sort_keys=True)

    app = make_app(handoff=handoff, KAPA_HANDOFF_FIELDS=FIELDS)
    send_ticket(app.test_client(), **FILLED)
    assert json.loads(tickets(app)[0].flag or "") == FILLED


# --- the same submission ---------------------------------------------------------------------------------------------


def test_the_same_submission_with_another_value_is_a_conflict(site: Flask, visitor: FlaskClient) -> None:
    """And with the same values it is the same ticket."""
    fields = ticket_fields(visitor, **FILLED)
    assert [post(visitor, "json", fields).status_code for _ in range(2)] == [201, 200]
    for name, value in {"order": "4712", "area": "Billing", "urgent": "no"}.items():
        page = refused(post(visitor, "page", {**fields, name: value}), "page", 409, "conflict")
        assert page.fields.get(name, "no") == value
    assert len(tickets(site)) == 1


def test_the_digest_of_a_ticket_without_fields_is_as_it_was(client: FlaskClient, app: Flask) -> None:
    """A form that was sent to the version before, and is sent once more after an upgrade, is the same ticket."""
    send_ticket(client)
    conversation = '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[]'
    conversation += ',"uncertain":false,"reaction":null}]'
    expected = hashlib.sha256("\0".join([EMAIL, NOTE, conversation]).encode()).hexdigest()
    assert tickets(app)[0].content_digest == expected


# --- refused ---------------------------------------------------------------------------------------------------------

WRONG = [
    ("order", "x" * 41, "The limit is 40."),
    ("area", "", "Please choose one"),
    ("area", None, "Please choose one"),
    ("area", "Elsewhere", "Choose one of the options"),
    ("steps", "x" * 201, "The limit is 200."),
    ("urgent", "maybe", "yes or no"),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_value_is_reported_at_its_field(
    site: Flask, visitor: FlaskClient, shape: str, name: str, value: str | None, words: str
) -> None:
    """And at no other; all that was typed, chosen and ticked is still there."""
    fields = ticket_fields(visitor, **{**FILLED, name: value})
    answer = post(visitor, shape, fields)
    page = refused(answer, shape, 422, "invalid")
    assert tickets(site) == []
    if shape == "json":
        assert {field: words in " ".join(said) for field, said in json_of(answer)["error"]["fields"].items()} == {
            name: True
        }
        return
    assert words in page.said_at(name)
    assert [found["name"] for _, found in page.elements if "aria-invalid" in found] == [name]
    assert [found["name"] for _, found in page.elements if "autofocus" in found] == [name]
    others = {other: kept_value for other, kept_value in FILLED.items() if other != name}
    assert others.items() <= page.fields.items()
    if name in ("order", "steps"):
        assert page.fields[name] == value


def test_a_form_that_is_not_ours_asks_for_no_fields(site: Flask, visitor: FlaskClient) -> None:
    """A visitor of Kapa's own form cannot fill them in; what a script of the site sends for it is checked."""
    with site.test_request_context():
        mark = state_of(site).bridge_mark()
    offer = signed_offer(visitor, requested=mark)
    assert post(visitor, "json", ticket_fields(visitor, offer=offer, email="")).status_code == 422
    assert post(visitor, "json", ticket_fields(visitor, offer=offer, area="Elsewhere")).status_code == 422
    assert post(visitor, "json", ticket_fields(visitor, offer=offer, order="4711")).status_code == 201
    assert tickets(site)[-1].fields == {"order": "4711"}


def test_several_wrong_values_are_reported_at_once(visitor: FlaskClient) -> None:
    """The first of them has the focus."""
    page = Page(post(visitor, "page", ticket_fields(visitor, email="ada", order="x" * 41)).text)
    assert all(page.said_at(name) for name in ("email", "order", "area"))
    assert [found["name"] for _, found in page.elements if "autofocus" in found] == ["email"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_required_box_must_be_ticked(make_app: Callable[..., Flask], shape: str) -> None:
    """It says so before, too."""
    app = make_app(KAPA_HANDOFF_FIELDS=[Field("terms", "I agree", "checkbox", required=True)])
    client = app.test_client()
    assert "I agree required" in " ".join(opened(client).text.split())
    answer = post(client, shape, ticket_fields(client))
    assert answer.status_code == 422
    assert "Please tick this box" in answer.text
    assert post(client, shape, ticket_fields(client, terms="yes")).status_code == 201


@pytest.mark.parametrize("shape", SHAPES)
def test_a_field_of_another_desk_is_not_accepted(site: Flask, visitor: FlaskClient, shape: str) -> None:
    """It is told on top, since it has no place in this form."""
    answer = post(visitor, shape, ticket_fields(visitor, **FILLED, branch="Oslo"))
    page = refused(answer, shape, 422, "invalid")
    if shape == "json":
        assert list(json_of(answer)["error"]["fields"]) == ["branch"]
    else:
        assert "no field “Branch”" in page.text
        assert "branch" not in page.fields
        assert kept(page)
    assert tickets(site) == []
    assert post(visitor, shape, ticket_fields(visitor, **FILLED, branch="")).status_code == 201


def test_a_program_learns_which_fields_there_are(visitor: FlaskClient) -> None:
    """A response to JSON with an undeclared field, or a value of another type, names them."""
    answer = post_json(visitor, ticket_fields(visitor, **FILLED, colour="red"))
    assert answer.status_code == 422
    assert "order, area, steps, urgent" in json_of(answer)["error"]["fields"]["colour"][0]
    answer = post_json(visitor, {**ticket_fields(visitor), "urgent": True})
    assert json_of(answer)["error"]["fields"] == {"urgent": ["Must be text."]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["phone", "orders", "requested", "site_order", "validate_note", "x" * 40, "submit"])
def test_a_field_that_is_not_declared_is_refused(site: Flask, visitor: FlaskClient, shape: str, name: str) -> None:
    """At its name, with the other errors; the message says what the form has, and the rest can be sent."""
    answer = post(visitor, shape, ticket_fields(visitor, **{**FILLED, "order": "x" * 41, name: "1"}))
    page = refused(answer, shape, 422, "invalid")
    told = f"This form has no field “{name}”, only email, note, order, area, steps, urgent."
    if shape == "json":
        assert json_of(answer)["error"]["fields"][name] == [told]
        assert set(json_of(answer)["error"]["fields"]) == {"order", name}
    else:
        assert page.text.count(told) == 1
        assert kept(page, order="x" * 41)
        assert name not in page.fields
        again = {**page.fields, "order": "4711", "conversation": json.dumps([PAIR])}
        assert post(visitor, shape, again).status_code == 201


@pytest.mark.parametrize("many", [{f"name_{number}": "x" for number in range(60)}, {"phone": ["1", "2"]}], ids=len)
def test_of_many_undeclared_fields_ten_are_named(visitor: FlaskClient, many: dict[str, Any]) -> None:
    """Each of them once, in the order in which they were sent; a file is a field as well."""
    errors = json_of(post(visitor, "json", ticket_fields(visitor, **FILLED, **many)))["error"]["fields"]
    assert list(errors) == list(many)[:10]
    assert {len(messages) for messages in errors.values()} == {1}
    file = {"scan": (BytesIO(b"x"), "scan.png")}
    assert list(json_of(post(visitor, "json", {**ticket_fields(visitor, **FILLED), **file}))["error"]["fields"]) == [
        "scan"
    ]


OWN = [
    "g-recaptcha-response",
    "cf-turnstile-response",
    "h-captcha-response",
    "_gotcha",
    "Phone",
    "x" * 41,
    "1st",
    "",
    "é",
]


@pytest.mark.parametrize("name", [*OWN, "csrf_token", "other_token", "website"])
def test_an_input_that_can_be_no_field_is_the_sites_own(make_app: Callable[..., Flask], name: str) -> None:
    """Such as a captcha's, for the site's own check, and a token of its CSRF protection; it is not stored."""
    app = make_app(KAPA_HANDOFF_FIELDS=FIELDS, WTF_CSRF_FIELD_NAME="other_token")
    client = app.test_client()
    value = "" if name == "website" else "token"
    assert post(client, "page", {**ticket_fields(client, **FILLED), name: value}).status_code == 201
    assert tickets(app)[-1].fields == FILLED


def test_a_forged_offer_is_refused_before_any_name(visitor: FlaskClient) -> None:
    """Without a valid one nothing else is checked."""
    fields = ticket_fields(visitor, offer="forged", **FILLED, phone="1")
    page = refused(post(visitor, "page", fields), "page", 403, "offer_invalid")
    assert "phone" not in page.text


# --- nothing is lost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", PAGES)
def test_an_expired_offer_loses_no_text(
    site: Flask, visitor: FlaskClient, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form comes back with a fresh one, and can be sent as it is."""
    old = ticket_fields(visitor, offer=old_offer(visitor, monkeypatch), **FILLED)
    page = refused(post(visitor, shape, old), shape, 409, "offer_expired")
    assert kept(page)
    assert post(visitor, shape, {**page.fields, "conversation": old["conversation"]}).status_code == 201
    assert tickets(site)[-1].fields == FILLED


@pytest.mark.parametrize("shape", PAGES)
def test_a_forged_offer_loses_no_text(visitor: FlaskClient, shape: str) -> None:
    """Its desk is unknown then, so fields of another desk stay as well."""
    page = refused(
        post(visitor, shape, ticket_fields(visitor, offer="forged", **FILLED, branch="Oslo")),
        shape,
        403,
        "offer_invalid",
    )
    assert kept(page, branch="Oslo")


@pytest.mark.parametrize("shape", PAGES)
def test_a_limit_loses_no_text(make_app: Callable[..., Flask], shape: str) -> None:
    """The response is a 429."""
    app = make_app(KAPA_HANDOFF_FIELDS=FIELDS, KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    client = app.test_client()
    send_ticket(client, **FILLED)
    assert kept(refused(post(client, shape, ticket_fields(client, **FILLED)), shape, 429, "rate_limited"))


@pytest.mark.parametrize("shape", PAGES)
def test_a_button_that_was_switched_off_loses_no_text(site: Flask, visitor: FlaskClient, shape: str) -> None:
    """The response is a 409."""
    fields = ticket_fields(visitor, **FILLED)
    change_settings(site, enabled=False)
    assert kept(refused(post(visitor, shape, fields), shape, 409, "disabled"))


@pytest.mark.parametrize("shape", PAGES)
def test_an_unreachable_database_loses_no_text(
    site: Flask, visitor: FlaskClient, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response is a 503."""
    from flask_kapa_handoff.errors import Unavailable
    from flask_kapa_handoff.storage.engine import Database

    def fail(self: Database) -> Any:
        raise Unavailable

    fields = ticket_fields(visitor, **FILLED)
    monkeypatch.setattr(Database, "write", fail)
    assert kept(refused(post(visitor, shape, fields), shape, 503, "unavailable"))


def test_hostile_values_are_text(visitor: FlaskClient) -> None:
    """In every kind of field."""
    evil = "\"'><script>alert(1)</script></textarea>"
    answer = post(visitor, "page", ticket_fields(visitor, email="", order=evil, steps=evil, area=evil, urgent=evil))
    page = Page(answer.text)
    assert not page.all("script")
    assert (page.fields["order"], page.fields["steps"]) == (evil, evil)


# --- a site's own template -------------------------------------------------------------------------------------------

EARLIER = """<form method="post" action="{{ tickets_url }}">
{% if problem %}<p>{{ problem }}</p>{% endif %}
{%- for field in form if field.widget.input_type | default("") == "hidden" %}
<input type="hidden" name="{{ field.name }}" value="{{ field._value() }}">
{%- endfor %}
<input name="{{ form.email.name }}" type="email" value="{{ form.email._value() }}">{{ form.email.errors | join }}
{{ form.note(rows=3) }}{{ form.note.errors | join }} up to {{ "{:,}".format(note_max) }}
<input name="{{ form.website.name }}" value="">
</form>"""


def test_a_template_that_names_email_and_note_itself_still_works(make_app: Callable[..., Flask]) -> None:
    """One that a site has written before there was a table."""
    app = make_app()
    app.jinja_loader = DictLoader({"kapa_handoff/_form.html": EARLIER})
    client = app.test_client()
    page = opened(client)
    assert "up to 5,000" in page.text
    wrong = Page(post(client, "page", {**page.fields, "conversation": json.dumps([PAIR]), "note": NOTE}).text)
    assert "Please enter your email" in wrong.text
    assert wrong.fields["note"] == NOTE
    sent = {**wrong.fields, "email": EMAIL, "submission_id": str(uuid.uuid4()), "conversation": json.dumps([PAIR])}
    assert post(client, "page", sent).status_code == 201


def test_a_template_may_show_the_fields_as_it_likes(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """As fields of WTForms."""
    app = make_app(KAPA_HANDOFF_FIELDS=[AREA, *FIELDS[2:]])
    own = "{% for field in form.shown %}<p>{{ field.label }} {{ field() }}</p>{% endfor %}"
    app.jinja_loader = DictLoader({"kapa_handoff/_fields.html": own})
    client = app.test_client()
    wrong = post(client, "page", ticket_fields(client, **{**FILLED, "email": "ada", "order": None}))
    page = Page(wrong.text)
    assert wrong.status_code == 422
    shown = {name: value for name, value in FILLED.items() if name != "order"}
    assert shown.items() <= page.fields.items()
