"""A site with Flask-AppBuilder. Its role "Admin" opens the admin pages, which have its layout."""

from functools import wraps

from flask import Flask, redirect, request, url_for
from flask_appbuilder import AppBuilder, BaseView, expose
from flask_appbuilder.models.sqla.base import SQLA
from flask_login import current_user

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer

app = Flask(__name__)
app.config.update(
    SQLALCHEMY_DATABASE_URI="sqlite:///site.db",
    APP_NAME="Acme",  # the mails and pages of the handoff use it, too
    KAPA_HANDOFF_ADMIN_TEMPLATE="appbuilder/baselayout.html",
)
app.config.from_prefixed_env()  # FLASK_SECRET_KEY, FLASK_KAPA_HANDOFF_EMAIL, FLASK_MAIL_SERVER, …
db = SQLA(app)


class Ask(BaseView):
    route_base = "/ask"
    default_view = "index"

    @expose("/")
    def index(self):
        if question := request.args.get("question"):
            answer = "I could not find this in the docs."  # your model answers here
            conversation = Conversation([QuestionAnswer(question, answer, uncertain=True)])
            return self.render_template("ask.html", conversation=conversation)
        return self.render_template("ask.html", conversation=None)


def admin_required(view):
    @wraps(view)
    def guarded(*args, **values):
        if current_user.is_authenticated and any(role.name == "Admin" for role in current_user.roles):
            return view(*args, **values)
        return redirect(url_for("AuthDBView.login", next=request.url))

    return guarded


with app.app_context():
    appbuilder = AppBuilder(app, db.session)
    appbuilder.add_view_no_menu(Ask)
    appbuilder.add_link("Handoff", href="/handoff/admin/", icon="fa-life-ring")

app.context_processor(lambda: {"appbuilder": appbuilder})
handoff = KapaHandoff(app, admin_required=admin_required)
handoff.admin_name(lambda: current_user.get_full_name())
