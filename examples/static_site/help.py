"""The Flask app that takes the tickets of a static site on another origin. It has no pages for visitors."""

from functools import wraps
from hmac import compare_digest

from flask import Flask, request

from flask_kapa_handoff import KapaHandoff

app = Flask(__name__)
app.config.update(KAPA_HANDOFF_SITE_NAME="Acme", KAPA_HANDOFF_ORIGINS=["http://127.0.0.1:8000"])
app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_ADMIN_PASSWORD, FLASK_KAPA_HANDOFF_EMAIL, …


def admin_required(view):
    @wraps(view)
    def guarded(*args, **kwargs):
        typed = request.authorization and request.authorization.password
        if typed and compare_digest(typed.encode(), app.config["ADMIN_PASSWORD"].encode()):
            return view(*args, **kwargs)
        return "Please sign in.", 401, {"WWW-Authenticate": 'Basic realm="admin"'}

    return guarded


KapaHandoff(app, admin_required=admin_required)
