"""Who may open the admin pages: the recipes of docs/admin-access.md, run as they are."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user
from jinja2 import ChoiceLoader, DictLoader
from werkzeug.security import generate_password_hash

from flask_kapa_handoff import KapaHandoff
from tests.helpers.admin import save, shown

pytestmark = pytest.mark.only("sqlite")

PAGE = (Path(__file__).parent.parent / "docs" / "admin-access.md").read_text()
BLOCKS = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
ROLES = {"admin": ["admin"], "support": ["support"], "guest": []}

MakeApp = Callable[..., Flask]
Client = Callable[[str], FlaskClient]


def run(recipe: str, app: Flask, **names: Any) -> None:
    exec(  # noqa: S102 - our own documentation
        compile(BLOCKS[recipe], f"docs/admin-access.md, {recipe}", "exec"),
        {"app": app, "handoff": KapaHandoff(), **names},
    )


def with_flask_login(app: Flask) -> Client:
    people = {name: UserMixin() for name in ROLES}
    for name, person in people.items():
        person.id, person.is_admin = name, name == "admin"
    LoginManager(app).user_loader(people.get)
    app.add_url_rule("/enter/<name>", "enter", lambda name: str(login_user(people[name])))
    run("flask-login", app)
    return lambda name: _entered(app, name)


def _entered(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    assert client.get(f"/enter/{name}").status_code == 200
    return client


def with_flask_security(app: Flask) -> Client:
    from flask_security import Security, SQLAlchemyUserDatastore, hash_password
    from flask_security.models import fsqla_v3 as models
    from flask_sqlalchemy import SQLAlchemy

    app.config.update(
        SECURITY_PASSWORD_SALT="a salt of this test",
        SECURITY_PASSWORD_HASH="pbkdf2_sha512",
        SECURITY_PASSWORD_SCHEMES=["pbkdf2_sha512"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{app.instance_path}/tickets.db",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{app.instance_path}/site.db",
        WTF_CSRF_ENABLED=False,
    )
    Path(app.instance_path).mkdir(exist_ok=True, parents=True)
    db: Any = SQLAlchemy(app)
    parts: Any = models
    parts.FsModels.set_db_info(db)
    role = type("Role", (db.Model, parts.FsRoleMixin), {})
    user = type("User", (db.Model, parts.FsUserMixin), {})
    store = SQLAlchemyUserDatastore(db, user, role)
    Security(app, store)
    run("flask-security", app)
    with app.app_context():
        db.create_all()
        for name, roles in ROLES.items():
            for one in roles:
                store.find_or_create_role(name=one)
            store.create_user(email=f"{name}@example.com", password=hash_password("password"), roles=roles)
        db.session.commit()

    def enter(name: str) -> FlaskClient:
        client = app.test_client()
        sent = client.post("/login", data={"email": f"{name}@example.com", "password": "password"})
        assert sent.status_code == 302, sent.text
        return client

    return enter


def with_flask_admin(app: Flask) -> Client:
    from flask_admin import Admin, AdminIndexView  # type: ignore[import-untyped]
    from flask_babel import Babel

    Babel(app)
    index = type("Index", (AdminIndexView,), {"is_accessible": lambda self: session.get("name") == "admin"})
    admin = Admin(app, name="Shop", index_view=index())
    frame = DictLoader({"handoff_frame.html": BLOCKS["handoff_frame.html"]})
    app.jinja_loader = ChoiceLoader([frame, app.jinja_loader])  # type: ignore[list-item]
    run("flask-admin", app, admin=admin)

    def enter(name: str) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as kept:
            kept["name"] = name
        return client

    page = enter("admin").get("/handoff/admin/tickets").text
    assert re.search(r'<a class="navbar-brand" href="/admin/?">Shop</a>', page)
    assert "<title>Tickets</title>" in page
    assert 'href="/handoff/admin/tickets"' in enter("admin").get("/admin/").text
    return enter


def with_basic(app: Flask) -> Client:
    passwords = {name: generate_password_hash("password", "pbkdf2:sha256:1") for name in ROLES if name != "guest"}
    run("basic", app, PASSWORDS=passwords, ROLES=ROLES)
    return lambda name: _with_headers(app, auth=(name, "password"))


def with_a_proxy(app: Flask) -> Client:
    run("proxy", app)
    address = {"admin": "ada@example.com"}
    return lambda name: _with_headers(app, headers={"X-Auth-Request-Email": address.get(name, "eve@example.com")})


def _with_headers(app: Flask, **values: Any) -> FlaskClient:
    client = app.test_client()
    client.open = functools.partial(_open, client.open, values)  # type: ignore[method-assign]
    return client


def _open(send: Callable[..., Any], always: dict[str, Any], *arguments: Any, **options: Any) -> Any:
    headers = {**always.get("headers", {}), **(options.pop("headers", None) or {})}
    return send(*arguments, **{**always, **options, "headers": headers})


@pytest.mark.parametrize("site", [with_flask_login, with_flask_security, with_flask_admin, with_basic, with_a_proxy])
def test_each_recipe_admits_whom_it_should(make_app: MakeApp, site: Callable[[Flask], Client]) -> None:
    """An admin acts, a viewer looks where the recipe lets them, and nobody else gets in; the history has the name."""
    enter = site(app := make_app(mount=False))
    assert app.test_client().get("/handoff/admin/").status_code in (302, 401, 403)
    admin = enter("admin")
    assert save(admin, button_text="Ask us").status_code == 303
    assert "admin" in (page := shown(admin.get("/handoff/admin/"))) or "ada@example.com" in page
    has_viewers = "viewer_required" in BLOCKS[site.__name__.removeprefix("with_").replace("_", "-").removeprefix("a-")]
    support = enter("support")
    looked = support.get("/handoff/admin/")
    assert (looked.status_code == 200) is has_viewers
    assert ("Only admins can change or send something" in looked.text) is has_viewers
    assert support.post("/handoff/admin/test-mail").status_code in (302, 401, 403)


def without_types(code: str) -> str:
    return re.sub(r"\s|: Any|-> Any", "", code)


@pytest.mark.parametrize(
    ("recipe", "files"),
    [
        ("appbuilder", ["examples/appbuilder/app.py", "tests/hosts/applications/appbuilder.py"]),
        ("flask-login", ["examples/factory/app.py"]),
        ("flask-security", ["examples/security/app.py"]),
    ],
)
def test_an_example_has_the_recipe(recipe: str, files: list[str]) -> None:
    """The recipe for AppBuilder runs only there, in `make test-hosts`: its environment is too large for this suite."""
    block = BLOCKS[recipe]
    parts = [block.partition("@wraps(view)")[2].partition("return guarded")[0]]
    parts += re.findall(r"^appbuilder\.add_link\(.*\)|(?:admin|viewer)_required=roles_.*,", block, re.MULTILINE)
    assert any(parts)
    for file in files:
        found = without_types((Path(__file__).parent.parent / file).read_text())
        assert all(without_types(part) in found for part in parts), file
