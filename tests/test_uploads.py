"""Files on their way into a ticket: the route, the page without script, the limits, and what becomes of orphans."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.datastructures import FileStorage

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.attachments import MAX_OCTETS
from flask_kapa_handoff.delivery.housekeeping import Housekeeping
from flask_kapa_handoff.settings import current_settings, save_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.attachments import Attachment
from flask_kapa_handoff.storage.tables import attachment as table
from flask_kapa_handoff.testing import tickets
from tests.helpers.admin import fields
from tests.helpers.files import PLACE, WITH_FILES, gif, ids_of, jpeg, png, post_multipart, segment, upload
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import FRAGMENT, JSON, Page, json_of
from tests.helpers.tickets import post, post_json, ticket_fields

SHOT, LOG = ("shot.png", png()), ("server.log", b"GET / 500\n")


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    return make_app(**WITH_FILES)


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    return site.test_client()


def stored(app: Flask) -> int:
    """How many files there are."""
    with state_of(app).database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def files_of(app: Flask, ticket: int = -1) -> list[Attachment]:
    with app.app_context():
        return KapaHandoff().attachments(tickets(app)[ticket])


def as_page(client: FlaskClient, *files: tuple[str, bytes], **fields: Any) -> Any:
    """Send the form of the page without script, with its files."""
    sent = [FileStorage(io.BytesIO(content), name) for name, content in files]
    data = ticket_fields(client, **fields) | {"files": sent}
    return post_multipart(client, "/handoff/tickets", data)


# --- From the upload to the ticket ----------------------------------------------------------------------------------


def test_uploaded_files_become_the_tickets(site: Flask, client: FlaskClient) -> None:
    """By their ids, in the form's fields or in JSON; images have lost their metadata."""
    offer = signed_offer(client)
    photo = jpeg(segment(0xFE, PLACE))
    ids = ids_of(upload(client, ("photo.jpg", photo), LOG, offer=offer))
    assert post(client, "json", ticket_fields(client, offer=offer, attachments=ids)).status_code == 201
    assert [(one.name, one.media_type, one.size, one.content) for one in files_of(site)] == [
        ("photo.jpg", "image/jpeg", len(jpeg()), jpeg()),
        ("server.log", "text/plain", 10, LOG[1]),
    ]
    offer = signed_offer(client)
    ids = ids_of(upload(client, LOG, offer=offer))
    assert post_json(client, ticket_fields(client, offer=offer, attachments=ids)).status_code == 201
    assert [one.name for one in files_of(site)] == ["server.log"]


def test_the_form_says_which_files_it_has(client: FlaskClient) -> None:
    """The response lists the kept ones and the new ones; those that the form no longer keeps are deleted."""
    offer = signed_offer(client)
    first = Page(upload(client, SHOT, LOG, offer=offer, shape=FRAGMENT).text)
    kept = [one["value"] for one in first.all("input", name="attachments")]
    assert len(kept) == 2
    second = upload(client, ("b.txt", b"b"), offer=offer, kept=kept[1:])
    assert [one["name"] for one in json_of(second)["attachments"]] == ["server.log", "b.txt"]
    assert stored(client.application) == 2


def test_the_same_file_is_stored_once(client: FlaskClient) -> None:
    """A visitor may drop it twice, and a script may send it again."""
    offer = signed_offer(client)
    ids = ids_of(upload(client, SHOT, SHOT, offer=offer))
    assert ids_of(upload(client, SHOT, offer=offer, kept=ids)) == ids
    assert len(ids) == stored(client.application) == 1


def test_a_form_without_the_switch_takes_no_files(make_app: Callable[..., Flask]) -> None:
    """Off by default: no place for files in the form, and none is stored."""
    app = make_app()
    client = app.test_client()
    assert 'type="file"' not in client.get("/handoff/form", query_string={"offer": signed_offer(client)}).text
    assert upload(client, SHOT).status_code == 422
    assert as_page(client, SHOT).status_code == 422
    assert stored(app) == len(tickets(app)) == 0


def test_files_are_refused_when_the_switch_is_turned_off(site: Flask, client: FlaskClient) -> None:
    """The visitor reads so, and the form that comes back sends the rest."""
    offer = signed_offer(client)
    ids = ids_of(upload(client, SHOT, offer=offer))
    state = state_of(site)
    with state.database.write() as connection:
        settings = current_settings(connection, state.config)
        without = replace(settings, form=replace(settings.form, attachments=False))
        save_settings(connection, state.config, without, changed_by="admin")
    fields = ticket_fields(client, offer=offer, attachments=ids)
    answer = post(client, "page", fields)
    assert answer.status_code == 422
    assert "We can&#39;t take files here any more" in answer.text
    assert post(client, "json", fields | {"attachments": []}).status_code == 201
    assert files_of(site) == []


# --- Without script -------------------------------------------------------------------------------------------------


def test_the_page_sends_files_with_the_form(site: Flask, client: FlaskClient) -> None:
    """If something else is wrong, the page keeps them, each with a box to leave it out."""
    form = client.get("/handoff/form", query_string={"offer": signed_offer(client)})
    assert Page(form.text).one("form")["enctype"] == "multipart/form-data"
    offer = signed_offer(client)
    wrong = as_page(client, SHOT, LOG, offer=offer, email="nobody")
    assert wrong.status_code == 422
    boxes = Page(wrong.text).all("input", name="attachments")
    assert [("checked" in box, box["type"]) for box in boxes] == [(True, "checkbox")] * 2
    right = as_page(client, ("", b""), offer=offer, attachments=[boxes[1]["value"]])
    assert right.status_code == 201
    assert [one.name for one in files_of(site)] == ["server.log"]
    assert stored(site) == 1


def test_a_page_that_is_sent_twice_opens_one_ticket(site: Flask, client: FlaskClient) -> None:
    """With its files; other files are another content."""
    fields = ticket_fields(client)
    assert as_page(client, SHOT, **fields).status_code == 201
    assert as_page(client, SHOT, **fields).status_code == 200
    assert as_page(client, LOG, **fields).status_code == 409
    assert as_page(client, **fields).status_code == 409
    assert len(tickets(site)) == stored(site) == 1


def test_a_ticket_that_is_sent_twice_has_its_files_once(site: Flask, client: FlaskClient) -> None:
    """The reply was lost, and the script sends the same form again."""
    offer = signed_offer(client)
    ids = ids_of(upload(client, SHOT, LOG, offer=offer))
    fields = ticket_fields(client, offer=offer, attachments=ids)
    answers = [post(client, "json", one) for one in (fields, fields, fields | {"attachments": ids[:1]})]
    assert [answer.status_code for answer in answers] == [201, 200, 409]
    assert json_of(answers[0])["reference"] == json_of(answers[1])["reference"]


# --- What is refused ------------------------------------------------------------------------------------------------


def test_one_wrong_file_does_not_cost_the_others(client: FlaskClient) -> None:
    """It is named, and the others are in the form."""
    answer = upload(client, SHOT, ("program.exe", b"MZ\0"), LOG, shape=FRAGMENT)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert len(page.all("input", name="attachments")) == 2
    assert "program.exe can&#39;t be added" in answer.text
    # For the previews: which of the files that were sent an image is.
    assert [one["data-added"] for one in page.all("li") if "data-image" in one] == ["0"]


def test_a_ticket_has_three_files_at_most(client: FlaskClient) -> None:
    offer = signed_offer(client)
    ids = ids_of(upload(client, *((f"{n}.txt", b"%d" % n) for n in range(3)), offer=offer))
    answer = upload(client, LOG, offer=offer, kept=ids)
    assert answer.status_code == 422
    assert json_of(answer)["error"]["fields"] == {"attachments": ["You can add up to 3 files."]}
    assert stored(client.application) == 3
    many = upload(client, *((f"{n}.txt", b"%d" % n) for n in range(900)))
    assert many.status_code == 422


def test_three_megabytes_are_the_most(site: Flask, client: FlaskClient) -> None:
    """In one file, in several together, and in a request that has more than any form may."""
    offer = signed_offer(client)
    whole = ids_of(upload(client, ("whole.txt", b"a" * MAX_OCTETS), offer=offer))
    assert upload(client, ("one.txt", b"a"), offer=offer, kept=whole).status_code == 422
    assert upload(client, ("large.txt", b"a" * (MAX_OCTETS + 1))).status_code == 422
    huge = upload(client, ("huge.txt", b"a" * (2 * MAX_OCTETS)), shape=FRAGMENT)
    assert huge.status_code == 413
    assert "Files can have 3 MB together" in huge.text
    assert as_page(client, ("huge.txt", b"a" * (2 * MAX_OCTETS))).status_code == 413
    assert stored(site) == 1


def test_the_limit_of_the_other_fields_stays(client: FlaskClient) -> None:
    """A form with files may be larger by the files alone."""
    answer = as_page(client, SHOT, note="a" * 1_500_000)
    assert answer.status_code == 413


def test_files_cannot_be_guessed_or_taken_from_another_ticket(site: Flask, client: FlaskClient) -> None:
    """An unknown id is a file that is gone; so is one that a ticket has."""
    offer = signed_offer(client)
    ids = ids_of(upload(client, SHOT, offer=offer))
    assert post(client, "json", ticket_fields(client, offer=offer, attachments=ids)).status_code == 201
    for other in (ids, ["9b3c1c52-6f0f-4a0e-8a64-8a9a5e2f0d11"]):
        answer = post(client, "json", ticket_fields(client, attachments=other))
        assert answer.status_code == 422
        assert "no longer here" in json_of(answer)["error"]["fields"]["attachments"][0]
    assert len(tickets(site)) == 1
    assert [one.name for one in files_of(site, 0)] == ["shot.png"]
    # What is not an id says nothing.
    assert post(client, "json", ticket_fields(client, attachments=["x" * 9_000, ""])).status_code == 201


def test_a_form_that_was_sent_takes_no_more_files(client: FlaskClient) -> None:
    offer = signed_offer(client)
    assert post(client, "json", ticket_fields(client, offer=offer)).status_code == 201
    assert upload(client, SHOT, offer=offer).status_code == 409


def test_the_route_asks_for_an_offer_and_an_own_page(client: FlaskClient) -> None:
    """As the ticket does. An offer that is too old still serves: sending the form renews it."""
    assert upload(client, SHOT, offer="forged").status_code == 403
    assert upload(client, SHOT, Origin="https://evil.example", Sec_Fetch_Site="cross-site").status_code == 403
    assert client.get("/handoff/attachments").status_code == 405
    assert stored(client.application) == 0


def test_files_survive_an_offer_that_is_renewed(
    site: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay in the form that comes back, and go with the ticket."""
    offer = old_offer(client, monkeypatch)
    ids = ids_of(upload(client, LOG, offer=offer))
    again = post(client, "fragment", ticket_fields(client, offer=offer, attachments=ids))
    assert again.status_code == 409
    page = Page(again.text)
    fields = ticket_fields(client, offer=page.fields["offer"], attachments=ids)
    assert [one["value"] for one in page.all("input", name="attachments")] == ids
    assert post(client, "json", fields).status_code == 201
    assert [one.name for one in files_of(site)] == ["server.log"]


# --- Floods and orphans ---------------------------------------------------------------------------------------------


def test_uploads_on_one_offer_leave_three_files(client: FlaskClient) -> None:
    """However many: each says which files the form has."""
    offer = signed_offer(client)
    for number in range(50):
        assert upload(client, (f"{number}.txt", b"%d" % number), offer=offer).status_code == 200
    assert stored(client.application) == 1


@pytest.mark.parametrize("limit", ["KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR", "KAPA_HANDOFF_TICKETS_PER_HOUR"])
def test_an_hour_has_so_many_files(make_app: Callable[..., Flask], limit: str) -> None:
    """As many as its tickets could have; then the visitor can send the ticket without them."""
    app = make_app(**WITH_FILES, **{limit: 2})
    client = app.test_client()
    most = 2 * 3 if "CLIENT" in limit else 3
    for number in range(most):
        assert upload(client, (f"{number}.txt", b"a")).status_code == 200
    answer = upload(client, LOG, shape=FRAGMENT)
    assert answer.status_code == 429
    assert 3000 < int(answer.headers["Retry-After"]) <= 3600
    assert "without them" in answer.text
    assert as_page(client, LOG).status_code == 429
    assert as_page(client).status_code == 201


def test_files_of_forms_that_were_not_sent_are_deleted(site: Flask, client: FlaskClient) -> None:
    """After a day, by the housekeeping and by the next upload; those of a ticket stay."""
    offer = signed_offer(client)
    ids = ids_of(upload(client, SHOT, offer=offer))
    assert post(client, "json", ticket_fields(client, offer=offer, attachments=ids)).status_code == 201
    database = state_of(site).database

    def age() -> None:
        with database.write() as connection:
            earlier = tickets(site)[0].created_at - timedelta(hours=25)
            connection.execute(update(table).values(created_at=earlier))

    upload(client, LOG)
    keeper = Housekeeping(database, None, 90)
    keeper.is_due_now()
    keeper.do_all(5)
    assert stored(site) == 2
    age()
    keeper.is_due_now()
    keeper.do_all(5)
    assert stored(site) == 1
    upload(client, LOG)
    age()
    upload(client, ("new.txt", b"new"))
    assert sorted(one.name for one in files_of(site, 0)) == ["shot.png"]
    assert stored(site) == 2


def test_a_site_that_shares_an_offer_keeps_visitors_apart(site: Flask) -> None:
    """A page in a cache has one offer for all: no upload deletes another visitor's file."""
    client = site.test_client()
    offer = signed_offer(client)
    first = ids_of(upload(client, SHOT, offer=offer))
    data = {"offer": offer, "files": [FileStorage(io.BytesIO(gif()), "a.gif")]}
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    other = post_multipart(client, "/handoff/attachments", data, headers=JSON, environ_overrides=elsewhere)
    assert other.status_code == 200
    assert stored(site) == 2
    assert post(client, "json", ticket_fields(client, offer=offer, attachments=first)).status_code == 201


@pytest.mark.only("sqlite")
def test_the_admins_preview_shows_the_place_for_files(admin_app: Callable[..., Flask]) -> None:
    """As soon as the box is ticked."""
    client = admin_app().test_client()
    for given, count in ((["false"], 0), (["false", "true"], 1)):
        answer = client.post("/handoff/admin/preview", data=fields(client, form_attachments=given))
        assert answer.text.count('class="kapa-handoff-picker"') == count
