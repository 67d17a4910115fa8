"""In which language visitors and admins read the product, and what a site's own catalogs change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from flask_kapa_handoff import ConfigurationError, Conversation, QuestionAnswer
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.translation import Language, Languages, gettext, gettext_html, ngettext, speak
from flask_kapa_handoff.visitor import template_helpers
from flask_kapa_handoff.web.language import language_of_site_page
from tests.helpers.offers import signed_offer
from tests.helpers.pages import Page
from tests.helpers.tickets import post, ticket_fields

pytestmark = pytest.mark.only("sqlite")

WORDS = {
    "de": {"Create ticket": "Ticket anlegen", "Send": "Senden", "Your email": "Ihre E-Mail-Adresse"},
    "ar": {"Create ticket": "إنشاء تذكرة", "Send": "إرسال"},
    "zh_Hans": {"Create ticket": "创建工单", "Send": "发送"},
    "pt": {"Create ticket": "Criar ticket"},
    "fi": {"Create ticket": "Luo tukipyyntö"},
}


def write_catalog(folder: Path, language: str, words: dict[str, str], *, extra: str = "") -> None:
    path = folder / language / "LC_MESSAGES" / "kapa_handoff.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    messages = [
        f"msgid {json.dumps(msgid)}\nmsgstr {json.dumps(text, ensure_ascii=False)}\n" for msgid, text in words.items()
    ]
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
    path.write_text("\n".join([header, *messages, extra]), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site's own folder of catalogs."""
    folder = tmp_path / "translations"
    for language, words in WORDS.items():
        write_catalog(folder, language, words)
    return folder


@pytest.fixture
def translated_app(make_app: Callable[..., Flask], folder: Path) -> Callable[..., Flask]:
    def build(**config: Any) -> Flask:
        return make_app(BABEL_TRANSLATION_DIRECTORIES=str(folder), **config)

    return build


def button(client: FlaskClient, accepted: str = "", **query: str) -> str:
    headers = {"Accept-Language": accepted} if accepted else {}
    return client.get("/handoff/offer", query_string={"pairs": "1", **query}, headers=headers).get_data(as_text=True)


@pytest.mark.parametrize(
    ("accepted", "of_page", "expected"),
    [
        ("", "", "Create ticket"),
        ("de", "", "Ticket anlegen"),
        ("de-AT,de;q=0.9", "", "Ticket anlegen"),
        ("xx,de;q=0.5", "", "Ticket anlegen"),
        ("en,de", "", "Create ticket"),
        ("en-GB,de", "", "Create ticket"),
        ("pt-BR", "", "Criar ticket"),
        ("zh", "", "创建工单"),
        ("zh-CN", "", "创建工单"),
        ("zh-SG,en", "", "创建工单"),
        ("zh-TW,zh;q=0.5", "", "创建工单"),  # the second wish
        ("zh-TW", "", "Create ticket"),  # traditional characters are not simplified ones
        ("ar-EG", "", "إنشاء تذكرة"),
        ("*", "", "Create ticket"),
        ("; ,,;q=x", "", "Create ticket"),
        ("de", "fi", "Luo tukipyyntö"),
        ("de", "en", "Create ticket"),
        ("de", "sv", "Ticket anlegen"),
        ("de", "../../etc", "Ticket anlegen"),
        ("de", "d" * 500, "Ticket anlegen"),
    ],
)
def test_the_page_s_language_comes_before_the_browser_s(
    translated_app: Callable[..., Flask], accepted: str, of_page: str, expected: str
) -> None:
    client = translated_app().test_client()

    page = button(client, accepted, **({"language": of_page} if of_page else {}))

    assert f">{expected} <span" in page


def test_the_form_and_the_ticket_keep_the_language_of_the_button(translated_app: Callable[..., Flask]) -> None:
    client = translated_app().test_client()
    headers = {"Accept-Language": "fi", "Accept": "application/json"}
    offered = client.get("/handoff/offer?pairs=1&language=de", headers=headers).get_json()

    form = client.get(
        "/handoff/form", query_string={"offer": offered["offer"]}, headers={"Accept-Language": "fi"}
    ).get_data(as_text=True)
    again = client.post(
        "/handoff/tickets", data={"offer": offered["offer"], "email": "?"}, headers={"Accept-Language": "fi"}
    ).get_data(as_text=True)

    assert offered["button_text"] == "Ticket anlegen"
    for page in (form, again):
        assert '<html lang="de" dir="ltr">' in page
        assert ">Senden</button>" in page
        assert "Ihre E-Mail-Adresse" in page


def test_arabic_is_written_from_right_to_left(translated_app: Callable[..., Flask]) -> None:
    client = translated_app().test_client()

    fragment = button(client, "ar")

    assert 'lang="ar" dir="rtl"' in fragment


def test_what_is_not_arabic_keeps_its_direction(translated_app: Callable[..., Flask]) -> None:
    """An address is typed from left to right; the reference says its language where the script leaves it."""
    client = translated_app().test_client()
    arabic = {"Accept-Language": "ar"}

    form = Page(client.get(f"/handoff/form?offer={signed_offer(client)}", headers=arabic).text)
    sent = Page(client.post("/handoff/tickets", data=ticket_fields(client), headers=arabic).text)

    assert form.one("html")["dir"] == "rtl"
    assert form.one("input", name="email")["dir"] == "ltr"
    reference = sent.one("p", **{"class": "kapa-handoff-reference"})
    assert (reference["lang"], reference["dir"]) == ("ar", "rtl")


def test_a_fixed_language_comes_first(translated_app: Callable[..., Flask]) -> None:
    client = translated_app(KAPA_HANDOFF_LANGUAGE="de").test_client()

    assert ">Ticket anlegen <span" in button(client, "fi", language="fi")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("sv", "there is no translation; use one of"),
        ("German", "a language looks like de or pt-BR"),
        (7, "looks like"),
    ],
)
def test_a_fixed_language_without_a_catalog_stops_the_app(
    translated_app: Callable[..., Flask], value: object, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told) as error:
        translated_app(KAPA_HANDOFF_LANGUAGE=value)
    assert "KAPA_HANDOFF_LANGUAGE" in str(error.value)


def test_flask_babel_s_locale_comes_before_the_page_s(translated_app: Callable[..., Flask]) -> None:
    from flask_babel import Babel

    app = translated_app()
    chosen = ["fi"]
    Babel(app, locale_selector=lambda: chosen[0])
    client = app.test_client()

    assert ">Luo tukipyyntö <span" in button(client, "de", language="de")
    chosen[0] = "sv"  # for which there is no catalog
    assert ">Ticket anlegen <span" in button(client, "ar", language="de")


def test_a_script_costs_no_choice_of_a_language(translated_app: Callable[..., Flask]) -> None:
    """A site's function may ask its database."""
    from flask_babel import Babel

    app = translated_app()
    asked: list[str] = []

    def select() -> str:
        asked.append("now")
        return "fi"

    Babel(app, locale_selector=select)
    client = app.test_client()

    with client.get("/handoff/static/handoff.js") as answer:
        assert answer.status_code == 200
    assert not asked
    button(client)
    assert asked


def test_a_locale_selector_that_fails_costs_no_button(
    translated_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    from flask_babel import Babel

    app = translated_app()

    def fail() -> str:
        raise RuntimeError("the address ada@example.com")

    Babel(app, locale_selector=fail)
    client = app.test_client()

    assert ">Ticket anlegen <span" in button(client, "de")
    assert ">Ticket anlegen <span" in button(client, "de")
    told = [record.getMessage() for record in caplog.records if "locale_selector" in record.getMessage()]
    assert len(told) == 1
    assert "ada@example.com" not in told[0]


def test_what_an_admin_wrote_is_not_translated(translated_app: Callable[..., Flask]) -> None:
    client = translated_app(KAPA_HANDOFF_BUTTON_TEXT="Send").test_client()

    assert ">Send <span" in button(client, "de")


def test_the_button_of_a_rendered_page_is_in_the_visitor_s_language(translated_app: Callable[..., Flask]) -> None:
    app = translated_app()
    conversation = Conversation((QuestionAnswer("Why?", "Because."),))
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        page = render_template_string("{{ kapa_handoff_button(conversation) }}", conversation=conversation)

    assert ">Ticket anlegen <span" in page
    assert gettext("Send") == "Send"  # the site's own page goes on in its language


@pytest.mark.parametrize(
    ("accepted", "keywords", "expected"),
    [
        ("de", "", ' data-language="de"'),
        ("zh-CN", "", ' data-language="zh"'),
        ("de", ", language='fr'", ' data-language="fr"'),
        ("en", "", ""),
    ],
)
def test_kapas_own_form_speaks_the_visitor_s_language(
    translated_app: Callable[..., Flask], accepted: str, keywords: str, expected: str
) -> None:
    app = translated_app()
    app.add_url_rule("/", view_func=lambda: render_template_string(f"{{{{ kapa_widget('id'{keywords}) }}}}"))
    client = app.test_client()

    page = client.get("/", headers={"Accept-Language": accepted})

    assert page.text.partition(" data-website-id")[2].startswith(f'="id"{expected} data-handoff-email')
    assert page.vary.as_set() == {"accept-language"}


def test_a_page_with_kapas_widget_costs_one_choice_of_a_language(
    translated_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = translated_app()
    chosen: list[str] = []

    def choose() -> Language:
        chosen.append("now")
        return language_of_site_page()

    monkeypatch.setattr(template_helpers, "language_of_site_page", choose)
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        page = render_template_string("{{ kapa_widget('id') }}")

    assert 'data-handoff-button-text="Ticket anlegen"' in page
    assert chosen == ["now"]


def test_a_page_in_a_fixed_language_is_the_same_for_everybody(translated_app: Callable[..., Flask]) -> None:
    app = translated_app(KAPA_HANDOFF_LANGUAGE="de")
    app.add_url_rule("/", view_func=lambda: render_template_string("{{ kapa_widget('id') }}"))

    page = app.test_client().get("/", headers={"Accept-Language": "fi"})

    assert 'data-handoff-button-text="Ticket anlegen"' in page.text
    assert not page.vary


def test_one_request_does_not_change_the_language_of_the_next(translated_app: Callable[..., Flask]) -> None:
    client = translated_app().test_client()

    assert ">Ticket anlegen <span" in button(client, "de")
    assert ">Create ticket <span" in button(client, "en")
    assert gettext("Send") == "Send"


def test_errors_are_translated_in_every_shape(translated_app: Callable[..., Flask], folder: Path, shape: str) -> None:
    write_catalog(
        folder,
        "nl",
        {
            "Check the address: %(mistake)s.": "Controleer het adres: %(mistake)s.",
            "the @ is missing": "de @ ontbreekt",
            "Some fields need another look.": "Kijk nog eens naar het formulier.",
        },
    )
    client = translated_app().test_client()
    fields = ticket_fields(client, email="ada.example.com")

    answer = post(client, shape, fields, **{"Accept-Language": "nl"})

    assert answer.status_code == 422
    assert "Controleer het adres: de @ ontbreekt." in answer.get_data(as_text=True)


class TestCatalogs:
    def test_a_site_s_message_takes_precedence_and_the_others_stay(self, tmp_path: Path) -> None:
        own, shipped = tmp_path / "own", tmp_path / "shipped"
        write_catalog(own, "de", {"Send": "Abschicken"})
        write_catalog(shipped, "de", {"Send": "Senden", "Cancel": "Abbrechen"})
        german = Languages(own, shipped).best(["de"])
        assert german is not None

        with speak(german):
            assert [gettext(text) for text in ("Send", "Cancel", "Close")] == ["Abschicken", "Abbrechen", "Close"]

    def test_a_catalog_that_cannot_be_read_is_told_and_left_out(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write_catalog(tmp_path, "de", {"Send": "Senden"})
        path = tmp_path / "de" / "LC_MESSAGES" / "kapa_handoff.po"
        path.write_bytes(path.read_bytes() + b'msgid "Close"\nmsgstr "Schlie\xdfen"\n')

        german = Languages(tmp_path).best(["de"])

        assert german is not None
        with speak(german):
            assert gettext("Send") == "Send"
        assert "cannot be read" in caplog.text
        assert "kapa_handoff.po" in caplog.text

    @pytest.mark.parametrize("text", ["%(nobody)s ist da", "%d ist da", "100 % da"])
    def test_wrong_placeholders_fall_back_to_english(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
    ) -> None:
        write_catalog(tmp_path, "de", {"%(name)s is here": text})
        german = Languages(tmp_path).best(["de"])
        assert german is not None

        with speak(german):
            assert gettext("%(name)s is here", name="Ada") == "Ada is here"
        assert "wrong placeholders" in caplog.text
        assert "Ada" not in caplog.text

    def test_numbers_follow_the_language(self, tmp_path: Path) -> None:
        write_catalog(
            tmp_path,
            "de",
            {},
            extra='msgid "%(number)s question"\nmsgid_plural "%(number)s questions"\n'
            'msgstr[0] "%(number)s Frage"\nmsgstr[1] "%(number)s Fragen"\n',
        )
        german = Languages(tmp_path).best(["de"])
        assert german is not None

        with speak(german):
            told = [ngettext("%(number)s question", "%(number)s questions", number) for number in (1, 2, 5000)]
        assert told == ["1 Frage", "2 Fragen", "5.000 Fragen"]
        assert ngettext("%(number)s question", "%(number)s questions", 5000) == "5,000 questions"

    def test_a_translation_is_no_markup(self, tmp_path: Path) -> None:
        write_catalog(tmp_path, "de", {"Hello %(name)s": "<b>Hallo</b> %(name)s"})
        german = Languages(tmp_path).best(["de"])
        assert german is not None

        with speak(german):
            assert gettext_html("Hello %(name)s", name="<i>") == "&lt;b&gt;Hallo&lt;/b&gt; &lt;i&gt;"

    def test_the_site_s_default_language_is_for_what_it_sends_itself(
        self, translated_app: Callable[..., Flask]
    ) -> None:
        assert state_of(translated_app()).site_language.tag == "en"
        assert state_of(translated_app(name="b", BABEL_DEFAULT_LOCALE="zh_CN")).site_language.tag == "zh-Hans"
        assert state_of(translated_app(name="c", BABEL_DEFAULT_LOCALE="xx")).site_language.tag == "en"
        fixed = translated_app(name="d", BABEL_DEFAULT_LOCALE="fi", KAPA_HANDOFF_LANGUAGE="de")
        assert state_of(fixed).site_language.tag == "de"
