"""The ways of delivery: one engine for each value of KAPA_HANDOFF_DELIVERY."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...errors import ConfigurationError
from ..mailroom import Mailroom
from .engine import DeliveryEngine
from .external import ExternalEngine
from .inline import InlineEngine
from .threads import ThreadEngine


def make_engine(mailroom: Mailroom) -> DeliveryEngine:
    """The engine that KAPA_HANDOFF_DELIVERY names.

    Raises:
        ConfigurationError: Celery is configured but not installed.
    """
    return ENGINES[mailroom.config.delivery](mailroom)


def _celery(mailroom: Mailroom) -> DeliveryEngine:
    try:
        from .celery import CeleryEngine  # imports Celery, which only sites that use it need
    except ModuleNotFoundError as error:
        if error.name != "celery":
            raise
        raise ConfigurationError(
            "KAPA_HANDOFF_DELIVERY: 'celery' needs Celery, which is not installed: "
            "pip install flask-kapa-handoff[celery]"
        ) from None
    return CeleryEngine(mailroom)


ENGINES: Mapping[str, Callable[[Mailroom], DeliveryEngine]] = {
    "thread": ThreadEngine,
    "external": ExternalEngine,
    "celery": _celery,
    "inline": InlineEngine,
}
"""Creates each engine, by its value of KAPA_HANDOFF_DELIVERY."""
