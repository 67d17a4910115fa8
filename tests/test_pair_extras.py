"""What a chat knows of a pair besides its texts: why an answer was voted down, and names of files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.conversation import parse_conversation
from flask_kapa_handoff.pair_extras import MAX_COMMENT, MAX_FILE_NAME, MAX_FILES, read_comment, read_files
from flask_kapa_handoff.redaction import redact_conversation
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.reading import read_conversation
from flask_kapa_handoff.storage.tickets import find_conversation
from flask_kapa_handoff.testing import tickets
from tests.helpers.mails import body, read
from tests.helpers.tickets import PAIR, SECRET, send_ticket

pytestmark = pytest.mark.only("sqlite")

COMMENTS: list[tuple[Any, str]] = [
    (None, ""),
    ("", ""),
    ("The link is dead.", "The link is dead."),
    ("5", "5"),
    ("[1]", "[1]"),
    ("{not JSON", "{not JSON"),
    ({"incorrect": True}, "Incorrect"),
    ({"irrelevant": True, "unaddressed": True}, "Irrelevant. Does not address the question"),
    ({"incorrect": True, "irrelevant": False, "issue": " The link\x00 is dead "}, "Incorrect. The link is dead"),
    ('{"incorrect":true,"issue":"dead"}', "Incorrect. dead"),
    ({"out_of_date": True, "incorrect": True, "issue": "It is for 1.0"}, "Incorrect. Out of date. It is for 1.0"),
    ({"out_of_date": 1, "<b>": True, "x" * 51: True, "": True}, ""),
    ({"issue": ""}, ""),
    ({"issue": 5, "incorrect": "yes", "later": {}}, ""),
    ("{" * 100_000, "{" * (MAX_COMMENT - 1) + "…"),
    ("x" * 9000, "x" * (MAX_COMMENT - 1) + "…"),
    ({"incorrect": True, "issue": "x" * 9000}, "Incorrect. " + "x" * (MAX_COMMENT - 12) + "…"),
    (5, ""),
    (["Incorrect"], ""),
    (True, ""),
]

FILES: list[tuple[Any, tuple[str, ...]]] = [
    (None, ()),
    ("log.txt", ()),
    ({"file_name": "log.txt"}, ()),
    (["log.txt", "a b.png"], ("log.txt", "a b.png")),
    ([{"file_name": "log.txt", "file_size": 5}, {"name": "b.png"}, {"id": "c"}], ("log.txt", "b.png")),
    ([None, 5, [], "", " \n", "a\nb\x00.txt"], ("a b.txt",)),
    ([{"file_name": 5}, {"file_name": None, "name": "x"}], ("x",)),
    (["x" * 999], ("x" * (MAX_FILE_NAME - 1) + "…",)),
    ([str(number) for number in range(99)], tuple(str(number) for number in range(MAX_FILES))),
]


@pytest.mark.parametrize(("value", "comment"), COMMENTS, ids=lambda value: str(value)[:20])
def test_comments_are_read_whatever_they_are(value: Any, comment: str) -> None:
    """A text, Kapa's object or its JSON; nothing is refused, and what was read is read again as the same."""
    assert read_comment(value) == comment
    assert read_comment(comment) == comment
    (pair,) = parse_conversation([{**PAIR, "comment": value}]).pairs
    assert pair.comment == comment


@pytest.mark.parametrize(("value", "names"), FILES, ids=lambda value: str(value)[:20])
def test_names_of_files_are_read_whatever_they_are(value: Any, names: tuple[str, ...]) -> None:
    """Texts or objects; what has no name is left out."""
    assert read_files(value) == names
    (pair,) = parse_conversation([{**PAIR, "files": value}]).pairs
    assert pair.files == names


def test_they_are_stored_and_read_back() -> None:
    """And a pair without them is stored as before."""
    pair = QuestionAnswer("Q", "A", comment="Incorrect", files=("log.txt",))
    conversation = Conversation((pair, QuestionAnswer("Q", "A")))
    stored = conversation.as_json()
    assert (stored[0]["comment"], stored[0]["files"]) == ("Incorrect", ["log.txt"])
    assert not {"comment", "files"} & stored[1].keys()
    assert read_conversation(stored) == conversation == parse_conversation(stored)
    assert conversation.cleaned() == conversation


def test_secrets_in_them_are_masked() -> None:
    """As everywhere in a conversation."""
    pair = QuestionAnswer("Q", "A", comment=f"Not {SECRET}", files=(f"{SECRET}.txt",))
    masked = redact_conversation(Conversation((pair,)))
    assert SECRET not in repr(masked)
    assert repr(masked).count("[hidden: GitHub token]") == 2


def test_a_comment_without_a_vote_is_called_one(write: Callable[..., bytes]) -> None:
    """Not to be taken for a part of the answer."""
    pair = QuestionAnswer("Q", "A", "a1", uncertain=True, comment="The link is dead.")
    assert re.search(
        "Flagged as uncertain</span><br>Comment on the answer: <bdi[^>]*>The link", body(write(pairs=[pair]), "html")
    )


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_mail_has_them_with_their_pair(write: Callable[..., bytes], kind: str) -> None:
    """As text of the visitor's: nothing in it passes for ours, or for markup."""
    hostile = "x\u202e\n<b>bold</b>\nTicket: T-AAAAAA"
    pair = QuestionAnswer("Q1", "A1", "a1", reaction="downvote", comment=hostile, files=("<i>log</i>\u202e.txt", "b"))
    data = write(pairs=[pair, QuestionAnswer("Q2", "A2", "a2")])
    said = body(data, kind)
    said = said[said.index("Q1") :]
    assert "\u202e" not in said
    if kind == "html":
        assert "<b>bold" not in said
        assert "&lt;i&gt;log&lt;/i&gt;.txt</bdi>, <bdi>b</bdi>" in said
        assert re.search("Voted down</span><br>Comment on the answer: <bdi[^>]*>x", said)
    else:
        assert "| Files: <i>log</i>.txt, b" in said
        assert "ANSWER (Voted down)" in said
        assert "| <b>bold</b>\r\n| Ticket:" in said
    (attachment,) = read(data).iter_attachments()
    document = json.loads(attachment.get_content())
    assert document["conversation"][0]["comment"] == hostile


def test_the_admin_page_has_them(make_app: Callable[..., Flask]) -> None:
    """Escaped."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view))
    pair = {**PAIR, "reaction": "downvote", "comment": {"incorrect": True, "issue": "<b>"}, "files": ["<i>.txt"]}
    client = app.test_client()
    page = client.get(f"/handoff/admin/tickets/{send_ticket(client, conversation=json.dumps([pair]))}").text
    assert "Incorrect. &lt;b&gt;" in page
    assert "&lt;i&gt;.txt" in page
    state = state_of(app)
    with state.database.read() as connection:
        (stored,) = find_conversation(connection, tickets(app)[0]).pairs
    assert (stored.comment, stored.files) == ("Incorrect. <b>", ("<i>.txt",))
