"""States that people see, and how to get there: what the tables of states are made of.

A row whose first step goes nowhere else begins where the row before it has ended, as people do: loading a page takes
longer than all that is done on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from playwright.sync_api import Locator, Page, expect


@dataclass
class Visit:
    """Somebody on one site.

    Arguments:
        language: of the page and of the browser.
    """

    page: Page
    site: Flask
    address: str
    language: str

    def locate(self, selector: str) -> Locator:
        return self.page.locator(selector)


Step = Callable[[Visit], object]


class State:
    """One row of a table.

    Arguments:
        site: the name of its site.
        steps: each one waits until it is done. What they do to the network ends before the next row.
    """

    def __init__(self, site: str, *steps: Step) -> None:
        self.site = site
        self.steps = steps

    def reach(self, visit: Visit) -> None:
        visit.page.unroute_all(behavior="ignoreErrors")
        visit.page.context.set_offline(False)
        for step in self.steps:
            step(visit)


def go_to(path: str) -> Step:
    return lambda visit: visit.page.goto(visit.address + path)


def click(selector: str) -> Step:
    return lambda visit: visit.locate(selector).first.click()


def type_into(selector: str, text: str) -> Step:
    return lambda visit: visit.locate(selector).first.fill(text)


def see(selector: str) -> Step:
    return lambda visit: expect(visit.locate(selector).first).to_be_visible()


def hold(path: str) -> Step:
    """Requests to there get no response until the next row."""
    return lambda visit: visit.page.route(f"**/handoff/{path}", lambda route: None)
