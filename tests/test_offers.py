"""Offers: signed, read, refused; and how a rotation of the site's key affects them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from flask_kapa_handoff import ConfigurationError, Trigger
from flask_kapa_handoff.offer_signing import MAX_AGE, OfferSigner
from flask_kapa_handoff.offers import Offer, OfferExpired, OfferInvalid
from flask_kapa_handoff.triggers import Facts
from tests.helpers.offers import DAY, sign_earlier, signed_offer
from tests.helpers.pages import json_of
from tests.helpers.tickets import send_ticket, ticket_fields

JSON = {"Accept": "application/json"}
FULL = Offer(
    (Trigger.UNCERTAINTY, Trigger.DOWNVOTE),
    Facts(4, True, True),
    "default",
    "thread-ä",
    "a1",
    "https://x.example/?q=1&r=<2>",
)


@pytest.mark.parametrize("offer", [Offer((Trigger.ALWAYS,), Facts(1)), FULL])
def test_what_was_signed_is_read_back(offer: Offer) -> None:
    """Everything the offer says survives the signature."""
    signer = OfferSigner(["key"])
    assert signer.read(signer.sign(offer)) == offer


def test_an_offer_is_safe_in_an_address() -> None:
    """It goes into a query string as it is."""
    token = OfferSigner(["key"]).sign(FULL)
    assert all(letter.isalnum() or letter in "-_." for letter in token)


@pytest.mark.parametrize(("length", "most"), [(20, 400), (900, 900)])
def test_only_a_long_offer_is_compressed_and_older_ones_are_read(length: int, most: int) -> None:
    """An address has room for the longest; versions before compressed each, and read both."""
    offer = replace(FULL, page=f"https://x.example/?q={'1' * length}")
    token = OfferSigner(["key"]).sign(offer)
    assert token.startswith(".") == (length == 900)
    assert len(token) < most
    earlier = URLSafeTimedSerializer(["key"], "kapa-handoff-offer", signer_kwargs={"digest_method": hashlib.sha256})
    assert OfferSigner(["key"]).read(earlier.dumps(earlier.loads(token))) == offer


@pytest.mark.parametrize("key", ["text", b"bytes", "schlüssel"])
def test_keys_may_be_text_or_bytes(key: str | bytes) -> None:
    """As Flask's SECRET_KEY may be."""
    signer = OfferSigner([key])
    assert signer.read(signer.sign(FULL)) == FULL


def test_an_offer_signed_with_another_key_is_refused() -> None:
    """The key decides."""
    with pytest.raises(OfferInvalid):
        OfferSigner(["key"]).read(OfferSigner(["other"]).sign(FULL))


def test_an_offer_for_another_audience_is_refused() -> None:
    """Two apps, or two mounts, may share a key."""
    token = OfferSigner(["key"], "one /handoff").sign(FULL)
    for audience in ("two /handoff", "one /help", ""):
        with pytest.raises(OfferInvalid):
            OfferSigner(["key"], audience).read(token)


def test_each_form_has_an_offer_of_its_own_that_says_the_same() -> None:
    """A page that is cached with one button serves many visitors."""
    signer = OfferSigner(["key"])
    offer = signer.read(signer.sign(FULL))
    forms = [signer.read(signer.sign(offer.for_one_form())) for _ in range(2)]
    assert len({form.id for form in (offer, *forms)}) == 3
    assert all(replace(form, id=offer.id) == offer for form in forms)


def test_an_offer_of_the_version_before_is_decided_once_more() -> None:
    """Its form is open in somebody's browser while the site is updated: what was typed must not be lost."""
    old = URLSafeTimedSerializer([b"key"], salt="kapa-handoff-offer")
    token = old.dumps([["uncertainty"], [4, True, False], "default", "t1", "a1", "https://x.example/"])
    with pytest.raises(OfferExpired) as expired:
        OfferSigner(["key"], "site /handoff").read(token)
    said = expired.value.offer
    assert (said.facts, said.thread_id, said.answer_id) == (Facts(4, True, False), "t1", "a1")
    new = URLSafeTimedSerializer([b"key"], salt="kapa-handoff-offer", signer_kwargs={"digest_method": hashlib.sha256})
    for damaged in ([], [["no trigger"], [1, True, True], "default", None, None, None], 5, "text", None, {"for": "x"}):
        for serializer in (old, new):
            with pytest.raises(OfferInvalid):
                OfferSigner(["key"], "x").read(serializer.dumps(damaged))


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "x", "a.b.c", "null", "é", "\x00", "\ud800", "💥.a.b", "=" * 50, "A" * 10_000]
)
def test_an_invalid_offer_is_refused(token: str) -> None:
    """Whatever is in the field, the error is the same."""
    with pytest.raises(OfferInvalid):
        OfferSigner(["key"]).read(token)


def test_an_offer_that_was_changed_anywhere_is_refused() -> None:
    """No place of it can be altered, and none cut off."""
    signer = OfferSigner(["key"])
    token = signer.sign(FULL)
    for place in range(0, len(token) - 1, 7):  # the very last letter has bits that decoding drops
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(OfferInvalid):
            signer.read(token[:place] + other + token[place + 1 :])
        with pytest.raises(OfferInvalid):
            signer.read(token[:place])
    with pytest.raises(OfferInvalid):
        signer.read(token + token)


def test_an_offer_with_another_claim_under_the_old_signature_is_refused() -> None:
    """Nobody writes his own reasons over a signature that he has."""
    signer = OfferSigner(["key"])
    _, *signature = signer.sign(FULL).split(".")
    claim = base64.urlsafe_b64encode(b'[["always"],[1,false,false],"default",null,null,null]').rstrip(b"=").decode()
    with pytest.raises(OfferInvalid):
        signer.read(".".join([claim, *signature]))


def test_a_session_cookie_of_the_same_site_is_no_offer(make_app: Callable[..., Flask]) -> None:
    """Other things that the site signs with its key do not open the form."""
    app = make_app()
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = serializer.dumps({"user": 1})
    assert app.test_client().get("/handoff/form", query_string={"offer": cookie}).status_code == 403


def test_an_expired_offer_carries_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the form can be given back with a fresh one."""
    signer = OfferSigner(["key"])
    token = sign_earlier(monkeypatch, DAY + 5, lambda: signer.sign(FULL))
    with pytest.raises(OfferExpired) as caught:
        signer.read(token)
    assert caught.value.offer == FULL


def test_an_offer_holds_for_24_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute before it is good, some seconds after it is not."""
    signer = OfferSigner(["key"])
    assert MAX_AGE == DAY
    assert signer.read(sign_earlier(monkeypatch, DAY - 60, lambda: signer.sign(FULL))) == FULL
    with pytest.raises(OfferExpired):
        signer.read(sign_earlier(monkeypatch, DAY + 5, lambda: signer.sign(FULL)))


def test_a_forged_offer_is_forged_even_if_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong signature never gets a fresh offer for its claim."""
    token = sign_earlier(monkeypatch, 2 * DAY, lambda: OfferSigner(["other"]).sign(FULL))
    with pytest.raises(OfferInvalid):
        OfferSigner(["key"]).read(token)


def test_an_offer_from_the_future_is_not_good_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock may be ahead by a minute on another machine; what is signed beyond that is decided once more."""
    signer = OfferSigner(["key"])
    assert signer.read(sign_earlier(monkeypatch, -55, lambda: signer.sign(FULL))) == FULL
    with pytest.raises(OfferExpired):
        signer.read(sign_earlier(monkeypatch, -120, lambda: signer.sign(FULL)))


def test_the_last_key_signs_and_each_is_accepted() -> None:
    """The order of Flask's fallbacks with the present key at the end."""
    old, new, both = OfferSigner(["old"]), OfferSigner(["new"]), OfferSigner(["old", "new"])
    assert both.read(old.sign(FULL)) == FULL
    assert new.read(both.sign(FULL)) == FULL
    with pytest.raises(OfferInvalid):
        old.read(both.sign(FULL))


def test_an_offer_outlives_a_rotation_with_fallbacks(make_app: Callable[..., Flask]) -> None:
    """A form that was open while the key was changed is sent as if nothing had happened."""
    before = make_app(SECRET_KEY="old")
    offer = signed_offer(before.test_client())
    after = make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["older", "old"]).test_client()
    assert after.get("/handoff/form", query_string={"offer": offer}).status_code == 200
    assert send_ticket(after, offer=offer).startswith("T-")


def test_an_offer_does_not_outlive_a_rotation_without_fallbacks(make_app: Callable[..., Flask]) -> None:
    """A key that was taken away because it leaked opens nothing."""
    offer = signed_offer(make_app(SECRET_KEY="old").test_client())
    after = make_app(SECRET_KEY="new").test_client()
    assert after.get("/handoff/form", query_string={"offer": offer}).status_code == 403
    answer = after.post("/handoff/tickets", data=ticket_fields(after, offer=offer), headers=JSON)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (403, "offer_invalid")


def test_the_newest_key_signs_after_a_rotation(make_app: Callable[..., Flask]) -> None:
    """Offers made after a rotation hold when the fallback is taken away."""
    offer = signed_offer(make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]).test_client())
    later = make_app(SECRET_KEY="new").test_client()
    assert later.get("/handoff/form", query_string={"offer": offer}).status_code == 200


def test_a_key_that_is_changed_while_the_app_runs_holds_at_once(app: Flask, client: FlaskClient) -> None:
    """The keys are the app's present ones, not those of the start."""
    offer = signed_offer(client)
    app.config["SECRET_KEY"] = "another"
    assert client.get("/handoff/form", query_string={"offer": offer}).status_code == 403
    app.config["SECRET_KEY_FALLBACKS"] = ["ab3f92c07d51e864"]
    assert client.get("/handoff/form", query_string={"offer": offer}).status_code == 200


def test_fallbacks_given_as_one_text_are_one_key(make_app: Callable[..., Flask]) -> None:
    """FLASK_SECRET_KEY_FALLBACKS=old must not make every single letter of it a key."""
    forged = OfferSigner(["o"]).sign(Offer((Trigger.ALWAYS,), Facts(1)))
    client = make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS="old").test_client()
    assert client.get("/handoff/form", query_string={"offer": forged}).status_code == 403


def test_no_fallbacks_at_all_is_fine(make_app: Callable[..., Flask]) -> None:
    """Empty, or none."""
    nothing: tuple[object, ...] = (None, [], ())
    for number, value in enumerate(nothing):
        client = make_app(name=f"site{number}", SECRET_KEY_FALLBACKS=value).test_client()
        assert signed_offer(client)


def test_a_site_without_a_key_is_told_which_one_is_missing(make_app: Callable[..., Flask]) -> None:
    """The error names SECRET_KEY; nothing is ever signed with nothing."""
    app = make_app(SECRET_KEY=None, TESTING=True)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        app.test_client().get("/handoff/offer?pairs=1")
