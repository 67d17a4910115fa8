"""What a web server loads. With ``HANDOFF_WARM`` the process has served, and delivers, before the server forks it."""

from __future__ import annotations

import os

from applications.mounting import make_app  # not relative: mod_wsgi loads this file outside its package

application = make_app()
if os.environ.get("HANDOFF_WARM"):
    answer = application.test_client().get("/handoff/offer?pairs=1")
    if answer.status_code != 200:
        raise SystemExit(f"the offer before the fork was answered with {answer.status}")
