"""The bridge touches no other request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import Site
from tests.browser.kapa.proxy import Answers

pytestmark = pytest.mark.only("sqlite")

THOUSAND = """async () => {
    const kapa = "https://proxy.kapa.ai/proxy/query/v2/";
    const json = (body, more) => ({
        method: "POST", headers: {"Content-Type": "application/json", "X-WEBSITE-ID": "w"},
        body: JSON.stringify(body), ...more,
    });
    const kinds = [
        (n) => ["/echo?n=" + n],
        (n) => ["/echo", json({n})],
        (n) => [new Request("/echo", json({n}))],
        (n) => [new URL("/echo?n=" + n, location.href), {method: "PUT", body: "text " + n}],
        (n) => ["/echo", {method: "POST", body: new URLSearchParams({n})}],
        (n) => ["/echo", {method: "DELETE"}],
        (n) => ["/missing/" + n],
        (n) => ["/echo/proxy/query/v2/chat/stream/", {headers: {"X-N": n}}],
        (n) => ["/echo/proxy/query/v2/chat/stream", json({query: n})],
        (n) => [kapa + "search/?query=" + n],
        (n) => [kapa + "search/", json({query: "n" + n})],
        (n) => [kapa + "files/", json({file_name: "f" + n, file_size: n})],
        (n) => [kapa + "files/validate/", json({file_id: n})],
        (n) => [kapa + "exit-feedback/upsert/", json({question_answer: "a" + n, reaction: "upvote"})],
        (n) => [kapa + "thread/t" + n + "/handoff/", {method: "GET"}],
        (n) => [kapa + "thread/t" + n + "/", json({n})],
        (n) => [kapa + "thread/t/" + n + "/handoff/", json({n})],
        (n) => [kapa + "handoff/", json({user_email: "visitor@example.com", n})],
        (n) => [kapa + "chat/stream/?query=" + n],
        (n) => [kapa.replace("v2", "v3") + "chat/" + n, json({query: n})],
        (n) => ["https://elsewhere.example/" + n, json({n})],
        (n) => ["data:text/plain," + n],
        (n) => [URL.createObjectURL(new Blob(["blob " + n]))],
        (n) => ["/echo", json({n}, {signal: AbortSignal.abort("stop " + n)})],
        (n) => ["https://[" + n],
    ];
    const results = [];
    for (let n = 0; n < 1000; n += 25) {
        results.push(...await Promise.all(kinds.map(async (kind, index) => {
            try {
                const answer = await fetch(...kind(n + index));
                return [index, answer.status, answer.type, await answer.text()];
            } catch (error) {
                return [index, String(error)];
            }
        })));
    }
    return results;
}"""


def run(site: Site, page: Page, kapa: Answers, *parts: str) -> dict[str, Any]:
    site.open(page, *parts, then="true")
    echoed: list[Any] = []
    site.app.extensions["echoed"] = echoed
    kapa.requests.clear()
    results = page.evaluate(THOUSAND)
    heard = [(each.method, each.path, each.body, sorted(each.headers.items())) for each in kapa.requests]
    problems, page.problems[:] = sorted(page.problems), []  # type: ignore[attr-defined]
    return {"results": results, "site": sorted(echoed), "kapa": sorted(heard), "problems": len(problems)}


def test_a_thousand_other_requests_are_the_same(site: Site, new_page: Callable[[], Page], kapa: Answers) -> None:
    """What the page gets, and what the servers see of it: method, address, headers and body."""
    without = run(site, new_page(), kapa)
    assert len(without["results"]) == 1000
    assert len(without["site"]) + len(without["kapa"]) > 650
    for part in ("takeover", "button", "widget"):
        with_bridge = run(site, new_page(), kapa, part)
        for name, value in without.items():
            assert with_bridge[name] == value, (part, name)
    assert site.asked == []
