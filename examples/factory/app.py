"""A site from a factory, with Flask-SQLAlchemy and Flask-Login. Only admins open the admin pages."""

import secrets
from functools import wraps

import click
from flask import Flask, abort, redirect, render_template, request, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import check_password_hash, generate_password_hash

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer

db, login, handoff = SQLAlchemy(), LoginManager(), KapaHandoff()
login.login_view = "sign_in"


class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String, unique=True, nullable=False)
    password = db.Column(db.String, nullable=False)
    is_admin = db.Column(db.Boolean, nullable=False)


def admin_required(view):
    @login_required
    @wraps(view)
    def guarded(*args, **kwargs):
        if not current_user.is_admin:
            abort(403)
        return view(*args, **kwargs)

    return guarded


def create_app():
    app = Flask(__name__)
    app.config.update(SQLALCHEMY_DATABASE_URI="sqlite:///site.db", KAPA_HANDOFF_SITE_NAME="Acme")
    app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_KAPA_HANDOFF_EMAIL, FLASK_MAIL_SERVER, …

    db.init_app(app)
    login.init_app(app)
    handoff.init_app(app, admin_required=admin_required)  # its tables are in the site's database

    app.add_url_rule("/", view_func=index)
    app.add_url_rule("/sign-in", view_func=sign_in, methods=["GET", "POST"])
    app.cli.add_command(add_user)
    return app


@login.user_loader
def load_user(number):
    return db.session.get(User, int(number))


@handoff.visitor_loader
def load_visitor():
    return current_user if current_user.is_authenticated else None  # its email is filled into the form


def index():
    if question := request.args.get("question"):
        answer = "I could not find this in the docs."  # your model answers here
        conversation = Conversation([QuestionAnswer(question, answer, uncertain=True)])
        return render_template("ask.html", conversation=conversation)
    return render_template("ask.html", conversation=None)


def sign_in():
    if request.method == "POST":
        user = db.session.scalar(db.select(User).filter_by(email=request.form["email"]))
        if user and check_password_hash(user.password, request.form["password"]):
            login_user(user)
            return redirect(url_for("index"))
    return render_template("sign_in.html")


@click.command("add-user")
@click.argument("email")
@click.option("--admin", is_flag=True)
def add_user(email, admin):
    """Add a user, and print the password."""
    password = secrets.token_urlsafe(12)
    db.create_all()
    db.session.add(User(email=email, password=generate_password_hash(password), is_admin=admin))
    db.session.commit()
    click.echo(f"The password of {email} is {password}")
