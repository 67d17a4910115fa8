"""Words that no value belongs to are passed over while they are looked for: none of those that one belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from benchmarks.requests_of_visitors import conversation
from flask_kapa_handoff.redaction import assignments, find_secrets, formats
from flask_kapa_handoff.redaction.keywords import Keyword, Keywords
from flask_kapa_handoff.redaction.spans import Span, Subject
from tests.helpers.redaction_corpus import readmes, samples

pytestmark = pytest.mark.only("sqlite")

NAMES = (
    "password¦--password¦db_PASS¦Passwort¦passphrase¦'pwd'¦mot_de_passe¦API_KEY¦key¦my-api-key¦token¦--token"
    "¦refresh_token¦secret¦client_secret¦secret_key¦SECRET¦secret_key_base¦$token"
)
LINKS = (
    " ¦=¦: ¦ = ¦\n¦=\"¦': '¦ => \"¦>¦('¦ | ¦ - ¦ – ¦:\n  ¦', '¦\", \"¦` ¦** ¦) ¦s ¦ is ¦ was still ¦ are: ¦ is the "
    "¦` c'est ¦' c’est ¦** est ¦] to ¦ to ¦ for ¦ from it, ¦ for the shop: ¦ of API number 1 is ¦ (admin) ¦ [it] "
    "¦ I use ¦ mea ¦ value=\"¦` content = '¦_1=¦-prod: ¦_url: ¦-¦_¦Live ¦teſt=¦_٣: ¦, ¦. ¦; ¦?\n¦? ¦! ¦/¦&¦{¦}¦\0\n¦："
    "¦は¦是 ¦ é ¦\xa0¦\u2003¦\t¦  ¦ a=\"b\">¦` a:b='c'>¦\\¦@¦#¦[¦(¦~¦+=¦?="
)
VALUES = (
    "Abc-12345¦hunter22¦in the¦under **¦secretword ¦abcd¦good٣ ¦goя12345 ¦a1B2c3D4e5F6g7H8"
    '¦value¦AbCdEfGhIjKlMnOpQrStUvWx¦https://a.example/b¦r"Abc-12345"¦content=¦is Abc-12345¦expired.¦:¦'
)
EVERY_WORD = Keywords(Keyword(word.word, word.read) for word in (*formats.keywords(), *assignments.keywords()))
WORDS = Keywords([*formats.keywords(), *assignments.keywords()])


def texts() -> Iterator[str]:
    """Each name with everything that may link it to each value; and what people write."""
    for name, link, value in product(*(parts.split("¦") for parts in (NAMES, LINKS, VALUES))):
        yield f"{name}{link}{value}"
        yield f"Use {name}{link}{value} x1"
    yield from (sample.text for sample in samples())
    yield from (readme.text for readme in readmes())


def spans(words: Keywords, text: str) -> set[Span]:
    """What is found after these words."""
    return set(words.find(Subject(text)))


def test_no_word_that_a_value_belongs_to_is_passed_over() -> None:
    """The same secrets as if each word were read."""
    found = 0
    for text in texts():
        expected = spans(EVERY_WORD, text)
        assert spans(WORDS, text) == expected, text
        found += len(expected)
    assert found > 1_000


def test_most_words_of_a_technical_text_are_passed_over() -> None:
    """Of answers that speak of tokens and passwords, few words are read."""
    text = "\n".join(f"{pair['question']}\n{pair['answer']}" for pair in conversation(20_000))
    subject, all_words = Subject(text), Subject(text)
    assert not list(find_secrets(subject))
    list(EVERY_WORD.find(all_words))
    assert subject.effort < all_words.effort / 3
