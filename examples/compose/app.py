"""A site in containers: web processes, a worker that sends the mails, and PostgreSQL."""

from functools import wraps
from hmac import compare_digest

from flask import Flask, render_template, request

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, health

app = Flask(__name__)
app.config.update(KAPA_HANDOFF_SITE_NAME="Acme", KAPA_HANDOFF_DELIVERY="external")
app.config.from_prefixed_env()  # compose.yaml has the variables


def admin_required(view):
    @wraps(view)
    def guarded(*args, **kwargs):
        typed = request.authorization and request.authorization.password
        if typed and compare_digest(typed.encode(), app.config["ADMIN_PASSWORD"].encode()):
            return view(*args, **kwargs)
        return "Please sign in.", 401, {"WWW-Authenticate": 'Basic realm="admin"'}

    return guarded


KapaHandoff(app, admin_required=admin_required)


@app.get("/")
def index():
    if question := request.args.get("question"):
        answer = "I could not find this in the docs."  # your model answers here
        conversation = Conversation([QuestionAnswer(question, answer, uncertain=True)])
        return render_template("ask.html", conversation=conversation)
    return render_template("ask.html", conversation=None)


@app.get("/healthz")
def healthz():
    health(app)  # if the database cannot be used, this raises, and the page responds with 503
    return "ok"
