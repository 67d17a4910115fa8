"""A site with Flask-Security. Admins change the settings, the role "support" looks at them."""

from flask import Flask, render_template, request
from flask_security import Security, SQLAlchemyUserDatastore, current_user, roles_accepted, roles_required
from flask_security.models import fsqla_v3 as models
from flask_sqlalchemy import SQLAlchemy

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer

app = Flask(__name__)
app.config.update(
    SQLALCHEMY_DATABASE_URI="sqlite:///site.db",
    SECURITY_PASSWORD_HASH="pbkdf2_sha512",
    SECURITY_PASSWORD_SCHEMES=["pbkdf2_sha512"],
    SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},  # for the addresses at example.com alone
    KAPA_HANDOFF_SITE_NAME="Acme",
)
app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_SECURITY_PASSWORD_SALT, FLASK_KAPA_HANDOFF_EMAIL, …

db = SQLAlchemy(app)
models.FsModels.set_db_info(db)


class Role(db.Model, models.FsRoleMixin):
    pass


class User(db.Model, models.FsUserMixin):
    pass


Security(app, SQLAlchemyUserDatastore(db, User, Role))
handoff = KapaHandoff(
    app,
    admin_required=roles_required("admin"),
    viewer_required=roles_accepted("admin", "support"),
)


@handoff.visitor_loader
def load_visitor():
    return current_user if current_user.is_authenticated else None  # its email is filled into the form


@app.get("/")
def index():
    if question := request.args.get("question"):
        answer = "I could not find this in the docs."  # your model answers here
        conversation = Conversation([QuestionAnswer(question, answer, uncertain=True)])
        return render_template("ask.html", conversation=conversation)
    return render_template("ask.html", conversation=None)


@app.cli.command("create-tables")
def create_tables():
    """Create the site's own tables."""
    db.create_all()
