"""Mounts the package's blueprints, on every host if the app uses ``host_matching``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, has_request_context, request
from flask.blueprints import BlueprintSetupState

if TYPE_CHECKING:
    from flask.sansio.app import App  # new in Flask 3

HOST = "kapa_handoff_host"
"""The rules' variable part for the host, where there is one."""


class MountedBlueprint(Blueprint):
    """A blueprint whose rules match any host; with ``host_matching``, werkzeug ignores rules without a host."""

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.url_defaults(_add_host)
        self.url_value_preprocessor(_leave_host_out)

    def make_setup_state(
        self, app: App, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        return _SetupState(self, app, options, first_registration)


class _SetupState(BlueprintSetupState):
    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., Any] | None = None, **options: Any
    ) -> None:
        if self.app.url_map.host_matching:
            options.setdefault("host", f"<{HOST}>")
        super().add_url_rule(rule, endpoint, view_func, **options)


def _add_host(endpoint: str, values: dict[str, Any]) -> None:
    if has_request_context() and current_app.url_map.host_matching:
        values.setdefault(HOST, request.host)


def _leave_host_out(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values is not None:
        values.pop(HOST, None)
