"""Texts that people read are plain English: no banned word or phrase, and one word for one thing.

The test reads documents, templates, comments, docstrings, messages, and names of functions. To ban a phrase, add a row
to a table below. To keep one (an SMTP server's own word, say), add its exact place to `EXCEPTIONS`, with the reason.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).parent.parent

# What belongs to a scope; the first pattern that a file's path matches decides.
SCOPES = {
    "docs": r"[^/]+\.md|docs/.*|(tests|flask_kapa_handoff|benchmarks)/.*\.md|setup\.cfg|pyproject\.toml|Makefile"
    r"|\.ci/.*|\.pre-commit-config\.yaml",
    "templates": r"templates/.*",
    "frontend": r"frontend/.*\.ts|flask_kapa_handoff/static/\w+\.css",
    "example": r"(example_app|examples)/.*",
    "benchmarks": r"benchmarks/.*",
    "package": r"flask_kapa_handoff/.*\.py",
    "tests": r"tests/.*\.(py|jsx?|html)",
}
LEFT_OUT = r".*/vendor/.*|.*\.(svg|png|min\.js)|tests/test_words\.py"


class Banned(NamedTuple):
    """A phrase that readers stumble over.

    Attributes:
        pattern: a regular expression, in which a space stands for any gap between two words; case is ignored.
        better: what to write instead.
        sample: a text that the pattern must find.
    """

    pattern: str
    better: str
    sample: str


# Words and orders that are translated.
TRANSLATED = (
    Banned(r"shall", "should, will, or the plain present", "where the button shall appear"),
    Banned(r"anew", "again", "it is read anew"),
    Banned(r"heed(s|ed|ing)?|unheeded", "respect, follow", "The limit is heeded"),
    Banned(r"mend(s|ed|ing)?", "fix", "how to mend it"),
    Banned(r"(give|gives|gave|given|giving) (up|(the|a|its|that|this) \w+ up)", "disable, stop", "gives the check up"),
    Banned(r"(go|goes|went|come|comes|came) along", "is included", "Your conversation goes along"),
    Banned(r"by (itself|themselves)", "automatically, on its own", "It works by itself"),
    Banned(r"suffic(e|es|ed|ing)", "is enough", "one suffices"),
    Banned(r"as yet", "so far, yet", "nothing as yet"),
    Banned(r"who(so)?ever|whomever", "anyone who, whichever admin", "Whoever sits between"),
    Banned(r"for ever", "forever", "it waits for ever"),
    Banned(r"nobody's", "say what holds: not cached, unassigned", "nobody's to keep"),
    Banned(r"has no say", "does not apply", "The key has no say here"),
    Banned(r"holds? (up no|no \w+ up)", "does not delay", "it holds up no ticket"),
    Banned(r"from (which|when|then|there) on", "from, after, since", "questions from which on it is met"),
    Banned(r"from (question|number|\d+) \d* ?on|from how many", "from", "From how many questions on?"),
    Banned(r"in force", "current, live", "In force from now on"),
    Banned(r"brings? back", "restore", "Bring back"),
    Banned(r"puts? (\w+ ){1,3}right", "formats, corrects", "puts the style right"),
    Banned(r"hardly (a|an|any|ever|every|what)", "at most, almost no", "hardly a try"),
    Banned(r"with an end in time", "with an overall deadline", "with an end in time"),
    Banned(r"lets? in (everybody|everyone|anybody|anyone)", "admits", "lets in everybody"),
    Banned(r"lets? (\w+ ){1,3}know", "tell, notify", "let the admin know"),
    Banned(
        r"(stand|stands|stood) (in|under|at|above|on|there|beside|below)(?! for)",
        "is in, is listed in",
        "It stands in the log",
    ),
    Banned(r"what stands", "what is", "what stands above the field"),
    Banned(r"thus|hence|whence|thereof|hereby|nought|afresh|lest|wherein|therein", "so, from it, again", "and thus"),
    Banned(r"is to (deliver|be)|are to (deliver|be)", "must, should, will", "the processes are to deliver"),
    Banned(r"in the clear", "unencrypted", "a password in the clear"),
    Banned(r"(mails?|messages?) (that|which) (is|are) out", "messages already sent", "mails that are out stay"),
    Banned(r"keeps? (\w+ )?mail in", "does not send mail", "keeps all mail in"),
    Banned(r"in the meantime|in the meanwhile", "meanwhile", "in the meantime"),
)

# Clauses as subjects: say who does what.
CLAUSES = (
    Banned(
        r"(?<=[.:;(–] )who \w+s [^.:;?,]*\b(can|may|must|will|cannot|loses)\b",
        "Anyone who …",
        "Keep it secret. Who guesses it can sign offers.",
    ),
    Banned(
        r"(?:(?<=[.:;] )|^)(?-i:Who) (is|was|has|\w+s|\w+ed) [^.:;?]*\.",
        "anyone who …, an admin who …",
        "Two admins save. Who saves last sees both.",
    ),
    Banned(r"(?<!anyone )who (guesses|sits)", "anyone who guesses", "Who guesses it"),
    Banned(
        r"what is (out|longer|left out|none|wrong|empty|missing|saved|sent) (stays?|goes|is|holds)",
        "say which thing: a longer text is …",
        "what is longer is cut off",
    ),
)

# Things do not act like people.
PEOPLE_ONLY = (
    Banned(
        r"(delivery|deliveries) (that )?(dies?|died|has died)",
        "stopped, was killed, crashed",
        "whose delivery died",
    ),
    Banned(
        r"(DNS|server|resolver|database|browser|name server) (does not|doesn't|do not|did not) know",
        "could not be found, does not support",
        "a name that the DNS does not know",
    ),
    Banned(
        r"server (\w+ )?(takes|took|has taken|had taken) (the|a|its|that|this|no) (mail|message)",
        "accepted the message",
        "The mail server has taken the mail",
    ),
)

# One word for one thing.
ONE_WORD = (
    Banned(
        r"(an?|the|each|every|no|one|two|three|five|next|first|last|another|further|more|many|of|its)"
        r" (try|tries)(?! to| the| it)",
        "attempt",
        "no more tries",
    ),
    Banned(
        r"(?<!`)the doctor(?!`|'s name)", "the check-up; `doctor` is only the command's name", "The doctor sees it"
    ),
    Banned(r"check-?ups? of the doctor|health check page|checkup", "check-up", "the checkup"),
    Banned(r"(HTTP|web|server's|JSON) answers?", "response", "an HTTP answer"),
    Banned(r"answer(s|ed|ing)? (with )?(a |an )?(status )?[1-5]\d\d", "responds with, gets", "nginx answers 413"),
    Banned(r"requests? (is|was|are|were|has been|have been) answered", "handled", "while a request is answered"),
    Banned(r"mail server('s)? (answers?|answered)", "replies; reply", "The mail server answers"),
    Banned(r"e-mails?", "email (address), mail", "an e-mail"),
    Banned(r"log-ins?", "login, sign-in", "a refused log-in"),
    Banned(r"set-ups?", "setup", "your set-up"),
    Banned(r"(?<=[;.] )(?-i:none):(?= )", "None:", "how it is written; none: as plain text"),
)

# Words of the statuses and of the form, in texts for visitors, agents and admins.
FOR_PEOPLE = (
    Banned(r"(?<!\")(queued|requeued)(?!\")", "waiting", "Queued tickets"),
    Banned(r"(?<!\")delayed(?!\")", "waiting", "Delayed"),
    Banned(r"not reached", "waiting; say why", "Not reached"),
    Banned(r"(drop|save) mine", "discard, keep my changes", "Drop mine"),
)

BANNED = (*TRANSLATED, *CLAUSES, *PEOPLE_ONLY, *ONE_WORD)

# (path, the words found, in lower case): why they may stay.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("flask_kapa_handoff/web/requests.py", "unheeded"): "the name of a column in the database",
}


class Finding(NamedTuple):
    """A banned phrase in a text: its path, its line, the words found, and what is better."""

    path: str
    line: int
    words: str
    better: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.words}"; better: {self.better}'


def compiled(banned: Banned) -> re.Pattern[str]:
    """A phrase as whole words, in any case."""
    return re.compile(rf"(?<![\w-])(?:{banned.pattern})(?!\w)", re.IGNORECASE)


def flat(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text in one line, without comment marks and inline code; and (offset, line) of each of its words."""
    text = re.sub(r"(?<!`)`[^`\n]+`(?!`)", "`…`", text)
    words: list[str] = []
    places = []
    offset = 0
    for line, content in enumerate(text.splitlines()):
        for word in content.split():
            if not re.fullmatch(r"#+|/{2,}|/?\*+/?|>", word):
                words.append(word)
                places.append((offset, line))
                offset += len(word) + 1
    return " ".join(words), places


def findings(path: str, first_line: int, text: str, banned: tuple[Banned, ...]) -> Iterator[Finding]:
    """The banned phrases in a text that begins at a line of a file."""
    one_line, places = flat(text)
    for row in banned:
        for match in compiled(row).finditer(one_line):
            line = places[bisect_right(places, (match.start(), len(places))) - 1][1]
            yield Finding(path, first_line + line, match[0], row.better)


def comments(source: str) -> Iterator[tuple[int, str]]:
    """The comments of Python source, those of successive lines as one text, each with its first line."""
    begun, text, last = 0, "", -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            if line == last + 1:
                text += "\n"
            else:
                yield begun, text
                begun, text = line, ""
            text += token.string
            last = line
    yield begun, text


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """All texts in quotes, docstrings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield from strings(node.value)


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names of functions, as words: a failing test is read by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name.replace("_", " ")


def texts(path: str, scope: str) -> Iterator[tuple[int, str]]:
    """What people read in a file, as (first line, text). A test's strings are left out: they quote other texts."""
    source = (CHECKOUT / path).read_text()
    if path.endswith(".py"):
        tree = ast.parse(source)
        yield from comments(source)
        yield from names(tree)
        yield from docstrings(tree) if scope == "tests" else strings(tree)
    else:
        yield 1, source


def tracked() -> list[str]:
    """The files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if path and (CHECKOUT / path).exists()]


def files(scope: str) -> list[str]:
    """The files of a scope."""
    others = list(takewhile(lambda name: name != scope, SCOPES))
    return [
        path
        for path in tracked()
        if re.fullmatch(SCOPES[scope], path)
        and not re.fullmatch(LEFT_OUT, path)
        and not any(re.fullmatch(SCOPES[other], path) for other in others)
    ]


def all_findings(scope: str) -> list[Finding]:
    """Every banned phrase in the files of a scope."""
    banned = (*BANNED, *FOR_PEOPLE) if scope in {"docs", "templates", "example"} else BANNED
    return [
        finding
        for path in files(scope)
        for line, text in texts(path, scope)
        for finding in findings(path, line, text, banned)
    ]


@pytest.mark.parametrize("scope", SCOPES)
def test_texts_are_plain_english(scope: str) -> None:
    """No text of a scope has a banned phrase, but for the exceptions."""
    assert files(scope)
    wrong = [f for f in all_findings(scope) if (f.path, f.words.lower()) not in EXCEPTIONS]
    assert not wrong, "\n" + "\n".join(map(str, wrong))


def test_every_exception_is_needed() -> None:
    """An exception whose text is gone is deleted."""
    found = {(f.path, f.words.lower()) for scope in SCOPES for f in all_findings(scope)}
    assert set(EXCEPTIONS) <= found


@pytest.mark.parametrize("banned", [*BANNED, *FOR_PEOPLE], ids=lambda banned: banned.better)
def test_a_banned_phrase_is_found(banned: Banned) -> None:
    """Each row finds its sample: in a line, across two lines, and across two lines of a comment."""
    for sample in (banned.sample, banned.sample.replace(" ", "\n"), banned.sample.replace(" ", "\n    # ")):
        assert list(findings("page.md", 1, f"Read this: {sample} …", (banned,))), sample


@pytest.mark.parametrize(
    "text",
    [
        "The worker tries to connect three times, then stops.",
        "Anyone who guesses it can forge sessions and offers.",
        "The check-up, and `flask kapa-handoff doctor`, name the line.",
        "Your server responds with 413; the AI's answer has 413 words.",
        "# It cannot recall messages already sent, nor remove tickets from backups.",
        "who is it for? Anyone. What is sent?",
    ],
)
def test_plain_english_is_left_alone(text: str) -> None:
    """Good sentences have no findings."""
    assert not list(findings("page.md", 1, text, (*BANNED, *FOR_PEOPLE)))


def test_a_finding_names_its_line_and_the_better_word() -> None:
    """A failure says where, what, and what to write instead."""
    (finding,) = findings("page.md", 10, "One.\n# Two for\n# ever.", BANNED)
    assert str(finding) == 'page.md:11: "for ever"; better: forever'


def test_of_a_test_only_docstrings_and_comments_are_read() -> None:
    """Strings of a test may quote anything."""
    tree = ast.parse('"""Doc."""\nx = "shall"\n"""Of x."""\n')
    assert [text for _, text in docstrings(tree)] == ["Doc.", "Of x."]
    assert "shall" in dict(strings(tree)).values()


def main() -> None:
    """Print what is found in the scopes or files named on the command line; in all scopes, without one."""
    named = sys.argv[1:]
    for scope in SCOPES:
        for finding in all_findings(scope):
            if not named or scope in named or any(finding.path.startswith(name) for name in named):
                print(finding)


if __name__ == "__main__":
    main()
