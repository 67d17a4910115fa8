"""A pytest plugin for I Hate Money's own tests: every app that they create has the package mounted."""

from __future__ import annotations

from typing import Any

import ihatemoney.run

from .ihatemoney import LAYOUT, admin_required
from .mounting import mount

create_app = ihatemoney.run.create_app


def create_and_mount(*args: Any, **values: Any) -> Any:
    return mount(create_app(*args, **values), admin_required, layout=LAYOUT)


ihatemoney.run.create_app = create_and_mount
