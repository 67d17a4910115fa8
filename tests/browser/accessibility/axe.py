"""What axe-core finds on a page."""

from __future__ import annotations

from functools import cache
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.browser import libraries

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules about colours: all else is the same in the dark."""

RUN = """async ([runOnly, scheme]) => {
    const {violations} = await axe.run({runOnly, resultTypes: ["violations"], preload: false});
    return violations.flatMap(({id, help, nodes}) => nodes.map(({target, html, failureSummary}) =>
        `${scheme}: ${id} (${help}) at ${target}: ${html.slice(0, 300)}\\n    ${failureSummary}`));
}"""


@cache
def _source() -> str:
    return libraries.axe()


def bring_axe(context: BrowserContext) -> None:
    """Bring axe-core into each page, without a script's tag, which a site's policy forbids."""
    context.add_init_script(_source())


def findings(name: str, page: Page) -> list[str]:
    """All that axe-core finds on the page as it is now, in light and dark.

    Arguments:
        name: of the state that is shown.
    """
    found: list[Any] = page.evaluate(RUN, [TAGS, "light"])
    page.emulate_media(color_scheme="dark")
    found += page.evaluate(RUN, [OF_COLOURS, "dark"])
    page.emulate_media(color_scheme="light")
    return [f"{name}, {told}" for told in found]
