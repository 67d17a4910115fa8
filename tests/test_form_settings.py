"""What a desk's form says: read from an admin, from the configuration and from the database; hours and colours."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time, timezone
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import update

from flask_kapa_handoff import ConfigurationError, office_hours
from flask_kapa_handoff.colours import contrast, is_seen_everywhere, read_colour, text_on
from flask_kapa_handoff.form_parsing import FormErrors, parse_flat, parse_form, read_form
from flask_kapa_handoff.form_settings import FormSettings
from flask_kapa_handoff.office_hours import OfficeHours
from flask_kapa_handoff.settings import DeskSettings, current_settings, settings_history
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import desk
from flask_kapa_handoff.testing import change_settings
from flask_kapa_handoff.translation import CATALOGS, Languages, speak

pytestmark = pytest.mark.only("sqlite")

FORM = {
    "texts": {"": {"title": "Ask us", "privacy_url": "/privacy"}, "pt": {"title": "Fale"}, "pt-BR": {"lead": "Oi"}},
    "reply_within": 2,
    "reply_unit": "days",
    "office_days": [0, 4],
    "opens": "08:30",
    "closes": "16:00",
    "time_zone": "Europe/Berlin",
    "open_directly": True,
    "attachments": True,
    "show_address": True,
    "accent": "#0b5fff",
    "radius": "pill",
}


def saved(app: Flask) -> DeskSettings:
    state = state_of(app)
    with state.database.read() as connection:
        return current_settings(connection, state.config)


def test_every_value_survives_each_way_of_writing_it() -> None:
    """As JSON in the database and the history, and as the inputs of the settings page."""
    form = parse_form(FORM)
    assert (form.accent, form.office_days, form.text("title", "de")) == ("#0b5fff", (0, 4), "Ask us")
    assert json.loads(json.dumps(form.as_json())) == FORM
    assert read_form(form.as_json()) == form
    assert parse_flat(form.flat()) == form
    assert FormSettings().as_json() == {}


@pytest.mark.parametrize(
    ("language", "title", "lead"),
    [("pt-BR", "Fale", "Oi"), ("pt", "Fale", None), ("de", "Ask us", None), ("pt-PT", "Fale", None)],
)
def test_a_text_is_the_exact_languages_the_base_languages_or_the_untagged_one(
    language: str, title: str, lead: str | None
) -> None:
    """Each text on its own, in this order; None is the package's translation."""
    form = parse_form(FORM)
    assert (form.text("title", language), form.text("lead", language)) == (title, lead)


WRONG = [
    ("title", "x" * 101, "This is 101 characters long. The limit is 100."),
    ("privacy_url", "http://example.com", "Use an address that begins with https://, or a path such as /privacy."),
    ("privacy_url", "//example.com", "Use an address that begins with https://, or a path such as /privacy."),
    ("privacy_url", "javascript:alert(1)", "Use an address that begins with https://, or a path such as /privacy."),
    ("reply_within", "0", "Use a whole number from 1 to 99, or leave it empty."),
    ("reply_within", "two", "Use a whole number from 1 to 99, or leave it empty."),
    ("reply_unit", "weeks", "Choose one of the options."),
    ("office_days", "0,7", "Choose one of the options."),
    ("opens", "9 o'clock", "Use a time such as 09:00."),
    ("closes", "08:30", "The end must be later than the beginning. For midnight, use 00:00."),
    ("time_zone", "", "Choose the time zone of these hours."),
    ("time_zone", "Berlin", "There is no such time zone. Use a name such as Europe/Berlin."),
    ("time_zone", "../Europe", "There is no such time zone. Use a name such as Europe/Berlin."),
    ("attachments", "maybe", "Choose one of the options."),
    ("show_address", "maybe", "Choose one of the options."),
    ("open_directly", "maybe", "Choose one of the options."),
    ("accent", "blue", "Use a colour such as #3451d1."),
    ("accent", "#fff;}", "Use a colour such as #3451d1."),
    ("radius", "huge", "Choose one of the options."),
    ("opens", "08:0\N{ARABIC-INDIC DIGIT THREE}", "Use a time such as 09:00."),
    ("consent--pt", "Sim", None),
]


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG)
def test_a_wrong_value_is_named_and_the_others_are_kept(name: str, value: str, sentence: str | None) -> None:
    """The errors have the inputs' names; what is right is there for the preview."""
    with pytest.raises(FormErrors) as raised:
        parse_flat({**parse_form(FORM).flat(), name: value})
    if sentence is None:  # a box that only some visitors would see
        name, sentence = "consent", "Write this text for all other languages as well."
    assert raised.value.by_name == {name: sentence}
    assert raised.value.right.text("lead", "pt-BR") == "Oi"


def test_without_time_zones_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may have no time zones at all, and then a stored one only leaves the hours out."""
    form = parse_form(FORM)

    def missing(name: str) -> ZoneInfo:
        raise KeyError(name)

    monkeypatch.setattr(office_hours, "ZoneInfo", missing)
    with pytest.raises(FormErrors, match="pip install tzdata"):
        parse_form(FORM)
    assert form.hours is None
    assert read_form(FORM) == form


@pytest.mark.parametrize(
    "damaged",
    [
        {"texts": []},
        {"texts": {"": "Ask us"}},
        {"texts": {"": {"title": 7, "privacy_url": "javascript:alert(1)"}}},
        {"accent": "red;}", "radius": 7, "opens": None, "office_days": "x", "reply_within": {}, "show_address": 2},
        "{",
        7,
    ],
)
def test_what_cannot_be_read_is_as_the_package_has_it(damaged: Any) -> None:
    """Nothing stored can break a form, or get into its style."""
    assert read_form(damaged) == FormSettings()


def test_what_a_later_version_has_stored_is_kept() -> None:
    """Longer texts, and values that this version does not know."""
    stored = {**FORM, "texts": {"": {"title": "x" * 200}}, "sound": "ding"}
    form = read_form(stored)
    assert form.as_json() == stored
    changed = parse_flat({**form.flat(), "accent": "#123"}, form)
    assert changed.as_json() == {**stored, "accent": "#112233"}


def test_an_admins_form_is_stored_and_in_the_history(make_app: Callable[..., Flask]) -> None:
    """The same as for every other setting; what equals the configuration is not stored."""
    app = make_app()
    after = change_settings(app, form=FORM)
    assert saved(app) == after
    assert after.form == parse_form(FORM)
    with state_of(app).database.read() as connection:
        (change,) = settings_history(connection)
    assert (change.before.form, change.after.form) == (FormSettings(), after.form)
    assert change.before.differences(change.after) == ("form",)
    change_settings(app, form={})
    assert saved(app).form == FormSettings()


def test_the_configuration_gives_the_defaults_and_can_pin_them(make_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_FORM, and `form` in KAPA_HANDOFF_PINNED."""
    app = make_app(KAPA_HANDOFF_FORM=FORM)
    assert saved(app).form == parse_form(FORM)
    change_settings(app, form={})
    assert saved(app).form == FormSettings()
    with pytest.raises(ValueError, match="PINNED"):
        change_settings(make_app(name="pinned", KAPA_HANDOFF_FORM=FORM, KAPA_HANDOFF_PINNED="form"), form={})


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Ask us", "use a dict such as"),
        ({"title": "Ask us"}, "there is no 'title'; use any of texts, "),
        ({"texts": {"": {"titel": "Ask us"}}}, "texts: there is no 'titel'; use any of title, "),
        ({"texts": {"Deutsch!": {"title": "Fragen"}}}, "texts: 'Deutsch!' is no language"),
        ({"texts": {"": {"title": 7}}}, "texts: title: use text"),
        ({"texts": {"title": "Ask us"}}, "texts: use a dict of languages"),
        ({"accent": "blue"}, "accent: Use a colour such as #3451d1."),
    ],
)
def test_a_wrong_configuration_stops_the_app_with_the_reason(
    make_app: Callable[..., Flask], value: Any, told: str
) -> None:
    """The message names the key, the part and what is allowed."""
    with pytest.raises(ConfigurationError) as raised:
        make_app(KAPA_HANDOFF_FORM=value)
    assert str(raised.value).startswith("KAPA_HANDOFF_FORM: ")
    assert told in str(raised.value)


def test_a_damaged_row_leaves_the_form_as_configured(make_app: Callable[..., Flask]) -> None:
    """The other settings of the row stay."""
    app = make_app()
    change_settings(app, form=FORM, button_text="Ask")
    with state_of(app).database.write() as connection:
        connection.execute(update(desk).values(form="{"))
    assert (saved(app).form, saved(app).button_text) == (FormSettings(), "Ask")


def hours_in(language: str, moment: str, **changes: Any) -> str | None:
    hours = parse_form({**FORM, **changes}).hours
    assert hours is not None
    found = Languages(CATALOGS).best([language])
    assert found is not None
    with speak(found):
        return hours.when_back(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc))


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("2026-11-30T07:29", "We're back today at 8:30 AM (Berlin time)."),  # Monday, 8:29 in Berlin
        ("2026-11-30T07:30", None),
        ("2026-11-30T14:59", None),
        ("2026-11-30T15:00", "We're back Friday 8:30 AM (Berlin time)."),
        ("2026-12-04T15:00", "We're back Monday 8:30 AM (Berlin time)."),
        ("2026-07-06T06:29", "We're back today at 8:30 AM (Berlin time)."),  # summer time
        ("2026-07-06T06:30", None),
    ],
)
def test_outside_office_hours_a_sentence_says_when_the_desk_is_back(moment: str, sentence: str | None) -> None:
    """By the desk's own clock, in winter and in summer."""
    found = hours_in("en", moment)
    assert (found and found.replace("\u202f", " ")) == sentence


def test_office_hours_in_another_language_at_midnight_and_in_utc() -> None:
    """The day's name is the language's; a day that closes at 0:00 ends at midnight."""
    assert hours_in("de", "2026-11-30T15:00") == "Wir sind wieder da: Freitag 08:30 (Ortszeit Berlin)."
    assert hours_in("en", "2026-11-30T22:59", closes="00:00") is None
    assert "Friday" in str(hours_in("en", "2026-11-30T23:00", closes="00:00"))
    assert "(UTC time)" in str(hours_in("en", "2026-11-30T23:00", time_zone="UTC"))
    one_day = hours_in("en", "2026-11-30T23:00", office_days=[0])
    assert "Monday" in str(one_day)


@pytest.mark.parametrize("name", ["posix/Europe/Berlin", "Mars/Valles_Marineris"])
def test_a_zone_that_babel_does_not_know_is_named_by_its_city(name: str) -> None:
    """The system's list is another one than Babel's, and may be newer."""
    zone = ZoneInfo.from_file(BytesIO(b"TZif" + bytes(32) + b"\0\0\0\1\0\0\0\4" + bytes(6) + b"UTC\0"), key=name)
    hours = OfficeHours((0,), time(9), time(17), zone)
    city = name.rpartition("/")[2].replace("_", " ")
    told = hours.when_back(datetime(2026, 11, 30, 17, tzinfo=timezone.utc))
    assert (told or "").endswith(f" ({city} time).")


def test_text_on_every_colour_can_be_read() -> None:
    """At least 4.5:1: white, or black where white is not enough. A pale ring becomes the text's colour."""
    steps = [f"{step:02x}" for step in range(0, 256, 15)]
    for colour in (f"#{red}{green}{blue}" for red in steps for green in steps for blue in steps):
        assert contrast(colour, text_on(colour)) >= 4.5
    assert (text_on("#3451d1"), text_on("#ffd400")) == ("#ffffff", "#000000")
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert not is_seen_everywhere("#ffd400")
    assert not is_seen_everywhere("#101030")
    assert is_seen_everywhere("#5b7bff")
    assert (read_colour("abc"), read_colour(" #ABCDEF "), read_colour("#abcd")) == ("#aabbcc", "#abcdef", None)
