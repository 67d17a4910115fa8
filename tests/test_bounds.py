"""The bounds of the dependencies: as low as the tests pass, and so wide that sites can keep their versions."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

CHECKOUT = Path(__file__).parent.parent
SETUP = ConfigParser(interpolation=None)
SETUP.read(CHECKOUT / "setup.cfg")


def requirements(section: str, key: str) -> list[Requirement]:
    """The requirements of one list of setup.cfg."""
    lines = SETUP[section][key].split("\n")
    return [Requirement(line) for line in lines if line and not line.startswith("%")]


INSTALLED = requirements("options", "install_requires")
OPTIONAL = [
    requirement for extra in ("postgresql", "celery") for requirement in requirements("options.extras_require", extra)
]

# name==version, and perhaps a reason
PIN = re.compile(r"([\w-]+)==([\w.]+)(?:  # (.+))?")
LINES = [line for line in (CHECKOUT / "tests" / "lowest.txt").read_text().splitlines() if not line.startswith("#")]
PINS = {match[1]: (match[2], match[3]) for match in map(PIN.fullmatch, LINES) if match}


def lower_bound(requirement: Requirement) -> Version:
    """The version after ``>=``."""
    (bound,) = (Version(one.version) for one in requirement.specifier if one.operator == ">=")
    return bound


def test_every_line_of_the_lowest_versions_is_a_pin() -> None:
    """tests/lowest.txt holds nothing but name==version."""
    assert len(PINS) == len(LINES)


@pytest.mark.parametrize("requirement", [*INSTALLED, *OPTIONAL], ids=lambda requirement: requirement.name)
def test_the_lowest_versions_are_the_lower_bounds(requirement: Requirement) -> None:
    """`make test-lowest` runs on exactly what setup.cfg allows."""
    assert Version(PINS[requirement.name][0]) == lower_bound(requirement)


def test_a_pin_that_is_no_lower_bound_has_its_reason() -> None:
    """What our dependencies bring along, such as Werkzeug, says why it is that version."""
    bounds = [*INSTALLED, *OPTIONAL, *requirements("options.extras_require", "test")]
    others = PINS.keys() - {requirement.name for requirement in bounds}
    assert [name for name in others if not PINS[name][1]] == []


@pytest.mark.parametrize("extra", ["postgresql", "celery"])
def test_the_tests_take_what_the_extra_takes(extra: str) -> None:
    """The extra that is tested is the one that is offered."""
    tested = {requirement.name: requirement for requirement in requirements("options.extras_require", "test")}
    for requirement in requirements("options.extras_require", extra):
        assert tested[requirement.name].specifier == requirement.specifier


def test_upper_bounds_are_few() -> None:
    """Each keeps a site from upgrading: a new one needs a reason in setup.cfg, and a change here."""
    bounded = {
        requirement.name
        for requirement in [*INSTALLED, *OPTIONAL]
        if any(one.operator not in (">=", "!=") for one in requirement.specifier)
    }
    assert bounded == {"flask-mail", "htmx-flask", "comrak"}


# What `pip install` of these applications brought in November 2026, as far as we need it too; where the application
# pins it, or holds it below the newest version, its own words stand behind it.
APPLICATIONS = {
    "OctoPrint 1.11.8": {"flask": "3.0.3"},  # flask<3.1,>=3.0.3 werkzeug<3.1,>=3.0.6
    "Lektor 3.3.14": {"flask": "2.3.3"},  # werkzeug<2.4
    "wikmd 1.10.6": {"flask": "3.0.2"},  # flask==3.0.2 werkzeug==3.0.3
    "Calibre-Web 0.6.27": {  # flask<3.2.0,>=1.0.2 sqlalchemy<2.1.0,>=1.3.0 flask-wtf<1.4.0,>=0.14.2 nh3<0.4.0,>=0.3.0
        "flask": "3.1.3",
        "flask-wtf": "1.3.0",
        "wtforms": "3.3.2",
        "sqlalchemy": "2.0.58",
        "nh3": "0.3.8",
    },
    "I Hate Money 7.2.1": {  # ~= of each
        "flask": "3.1.3",
        "flask-mail": "0.10.0",
        "flask-wtf": "1.2.2",
        "wtforms": "3.2.2",
        "sqlalchemy": "2.0.58",
        "alembic": "1.20.1",
        "email-validator": "2.3.0",
    },
    # Its main branch, of which no release can be installed beside a Flask of today.
    "FlaskBB, not released": {  # >= of each
        "flask": "3.1.3",
        "flask-mail": "0.10.0",
        "flask-wtf": "1.3.0",
        "wtforms": "3.2.2",
        "sqlalchemy": "2.1.1",
        "alembic": "1.20.0",
        "email-validator": "2.3.0",
        "celery": "5.6.3",
        "psycopg": "3.3.0",
    },
}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_keeps_the_versions_that_it_has(application: str) -> None:
    """pip has no reason to change what is there already: each version lies within our bounds."""
    ours = {requirement.name: requirement.specifier for requirement in [*INSTALLED, *OPTIONAL]}
    theirs = APPLICATIONS[application]
    assert [f"{name} {version}" for name, version in theirs.items() if not ours[name].contains(version)] == []
