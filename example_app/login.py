"""One administrator, with a password that is generated at the first start. A real site has its own accounts."""

from __future__ import annotations

import hmac

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.security import check_password_hash
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

ADMIN = "admin"

blueprint = Blueprint("login", __name__)
login_manager = LoginManager()
login_manager.login_view = "login.login"
login_manager.login_message = None


class Admin(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    id = ADMIN


class LoginForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    user = StringField("User name", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])


class LogoutForm(FlaskForm):  # type: ignore[misc]
    """Only the CSRF token, so that no other page can sign the admin out."""


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(user_id: str) -> Admin | None:
    return Admin() if user_id == ADMIN else None


@blueprint.app_context_processor
def forms() -> dict[str, type[FlaskForm]]:
    # The class, not a form: its token starts a session, which only a signed-in admin's page needs.
    return {"logout_form": LogoutForm}


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("login.html", form=form)
    known = hmac.compare_digest(form.user.data.encode(), ADMIN.encode())
    if not check_password_hash(current_app.config["ADMIN_PASSWORD_HASH"], form.password.data) or not known:
        form.password.errors = ["This user name and password do not match."]
        return render_template("login.html", form=form), 403
    login_user(Admin())
    return redirect(_next_page(), 303)


@blueprint.post("/logout")
@login_required  # type: ignore[untyped-decorator]
def logout() -> ResponseReturnValue:
    if LogoutForm().validate_on_submit():
        logout_user()
    return redirect(url_for("documentation.home"), 303)


def _next_page() -> str:
    # Only a path of this site: "//other.example.com" and "/\other.example.com" lead elsewhere in browsers.
    path = request.args.get("next", "")
    if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable():
        return path
    return url_for("documentation.home")
