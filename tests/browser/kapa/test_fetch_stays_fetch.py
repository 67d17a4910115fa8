"""The bridge does not change ``fetch``: each snippet has the same result on a page with it and one without."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import watched
from tests.browser.kapa.conftest import Site
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import DROPPED, Stream, bytes_of, chunk, pair, stream_of

pytestmark = pytest.mark.only("sqlite")

SNIPPETS = Path(__file__).parent / "snippets"
TOOLS = (SNIPPETS / "tools.js").read_text(encoding="utf-8")
STREAMED = bytes_of(stream_of(pair()).pieces)


def snippets_in(name: str) -> dict[str, str]:
    """The functions' bodies of a file, by the names that are above them."""
    parts = (SNIPPETS / name).read_text(encoding="utf-8").split("// # ")[1:]
    return {heading: body for heading, _, body in (part.partition("\n") for part in parts)}


@pytest.fixture
def both(make_site: Callable[..., Site], open_context: Callable[..., BrowserContext]) -> list[Page]:
    """A page without the bridge, and one with it."""
    site = make_site()
    without, with_bridge = (watched(open_context().new_page()) for _ in range(2))
    return [site.open(without, then="true"), site.open(with_bridge, "takeover", then="window.KapaHandoffBridge")]


def run(page: Page, kapa: Answers, snippet: str, streams: list[Stream]) -> dict[str, Any]:
    """What came of a snippet: for the page, for Kapa, and in the console."""
    kapa.streams["q"] = streams
    kapa.requests.clear()
    action = f"(async () => {{ {snippet} }})()"
    value = page.evaluate(f"async () => {{ {TOOLS} return Promise.race([{action}, nobodyIn()]); }}")
    sent = [(each.method, each.path, sorted(_told(each.headers)), each.body) for each in kapa.requests]
    # The browser's own notes on failed requests come when they like; errors of scripts are the page's.
    problems = [each for each in page.problems if not each.startswith("Failed to load")]  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]
    return {"value": value, "sent": sent, "problems": problems}


def _told(headers: dict[str, str]) -> list[tuple[str, str]]:
    """Without the page's own address, which names its parts."""
    return [(name, value) for name, value in headers.items() if name != "Referer"]


def assert_same(both: list[Page], kapa: Answers, snippets: dict[str, str], make: Callable[[], list[Stream]]) -> None:
    without, with_bridge = ({name: run(page, kapa, snippets[name], make()) for name in snippets} for page in both)
    assert [name for name in snippets if without[name]["value"] == "nothing came"] == []
    different = {name: (with_bridge[name], without[name]) for name in snippets if with_bridge[name] != without[name]}
    assert different == {}


def test_odd_calls_have_the_same_result(both: list[Page], kapa: Answers) -> None:
    """Wrong arguments, another ``this``, aborted signals: the same error, at the same time, with the same words."""
    assert_same(both, kapa, snippets_in("odd_calls.js"), list)


def test_answers_are_read_the_same(both: list[Page], kapa: Answers) -> None:
    """However a page reads Kapa's answer, it gets the same, and Kapa got the same request."""
    assert_same(both, kapa, snippets_in("reading.js"), lambda: [stream_of(pair()), stream_of(pair())])


BEGIN = "const controller = new AbortController(); const response = await ask({ signal: controller.signal });\n"


def test_a_page_that_cancels_or_aborts_ends_the_answer(both: list[Page], kapa: Answers) -> None:
    """The result is the same, and the connection to Kapa is closed as it is without the bridge."""
    streams: list[Stream] = []

    def half() -> list[Stream]:
        streams.append(Stream([STREAMED[:80], threading.Event(), STREAMED[80:]]))
        return streams[-1:]

    snippets = {name: BEGIN + snippet for name, snippet in snippets_in("cancelling.js").items()}
    assert_same(both, kapa, snippets, half)
    names = [f"{name}, {bridge}" for bridge in ("without", "with the bridge") for name in snippets]
    assert [name for name, stream in zip(names, streams, strict=True) if not stream.left.wait(10)] == []


def test_leaving_a_pipe_or_loop_has_the_same_result(both: list[Page], kapa: Answers) -> None:
    """For the page; the bridge cannot see it, and reads Kapa's answer to its end."""
    gates: list[threading.Event] = []

    def half() -> list[Stream]:
        for gate in gates:
            gate.set()
        gates.append(threading.Event())
        return [Stream([STREAMED[:80], gates[-1], STREAMED[80:]])]

    assert_same(both, kapa, {name: BEGIN + snippet for name, snippet in snippets_in("leaving.js").items()}, half)
    gates[-1].set()


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(lambda: Stream([STREAMED[:80], DROPPED]), id="a lost connection"),
        pytest.param(lambda: Stream([DROPPED]), id="lost at once"),
        pytest.param(lambda: Stream([chunk("error", {"reason": "No."}, end=True)]), id="an error of Kapa's"),
        pytest.param(lambda: Stream([b'{"type": "limit"}'], status=429, headers={"Retry-After": "5"}), id="429"),
        pytest.param(lambda: Stream([], status=500), id="500 without a body"),
        pytest.param(lambda: Stream([]), id="an empty answer"),
        pytest.param(lambda: Stream(["<html>␞</html>␞".encode()]), id="no JSON"),
        pytest.param(lambda: Stream([b"\xff\xfe\xe2\x90", b"\x9e\xe2"]), id="no UTF-8"),
    ],
)
def test_broken_answers_are_as_broken(stream: Callable[[], Stream], both: list[Page], kapa: Answers) -> None:
    """Errors of the network and of Kapa reach the page as they are, and no other error does."""
    ways = {
        "text()": "const r = await ask(); return [facts(r), await tried(() => r.text())];",
        "a reader": "const r = await ask(); return [facts(r), await tried(() => lengthOf(r.body))];",
        "never read": "return facts(await ask());",
    }
    assert_same(
        both, kapa, {name: f"return tried(async () => {{ {way} }});" for name, way in ways.items()}, lambda: [stream()]
    )
