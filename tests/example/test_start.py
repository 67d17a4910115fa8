"""The example's secrets, login and port, and the one command that starts everything."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from example_app import kept_secret
from example_app.__main__ import listen
from tests.example.site import PASSWORD, Markup, sign_in
from tests.helpers.sites import ROOT


def test_the_settings_are_behind_the_login(client: FlaskClient) -> None:
    response = client.get("/handoff/admin/")
    assert response.status_code == 302
    assert response.location.startswith("/login?next=")
    assert sign_in(client, address=response.location).location == "/handoff/admin/"
    assert client.get("/handoff/admin/").status_code == 200
    home = client.get("/")
    assert "Sign out" in home.text
    assert client.post("/logout").status_code == 303
    assert client.get("/handoff/admin/").status_code == 200, "without its token, the form does nothing"
    client.post("/logout", data={"csrf_token": Markup(home.text).fields["csrf_token"]})
    assert client.get("/handoff/admin/").status_code == 302


def test_a_wrong_password_is_refused_and_says_so(client: FlaskClient) -> None:
    response = sign_in(client, "wrong")
    assert response.status_code == 403
    assert "do not match" in response.text
    assert client.get("/handoff/admin/").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://example.com/", "//example.com", "/\\example.com", "/\t/example.com", "example.com"]
)
def test_the_login_leads_to_pages_of_this_site_only(client: FlaskClient, target: str) -> None:
    token = Markup(client.get("/login").text).fields["csrf_token"]
    data = {"user": "admin", "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", query_string={"next": target}, data=data).location == "/"


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = kept_secret(path)
    assert len(secret) >= 24
    assert kept_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_usual_port_is_used_unless_it_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", None, usual=port) as other:
            assert other.getsockname()[1] not in (0, port)
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("before", ["", "trap '' INT; "], ids=["in front", "in the background of a shell"])
def test_one_command_starts_everything_and_ctrl_c_ends_it(tmp_path: Path, before: str) -> None:
    program = [sys.executable, "-W", "error", "-m", "example_app", "--port", "0", "--data", str(tmp_path)]
    command = ["sh", "-c", f"{before}exec {shlex.join(program)}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert select.select([process.stdout], [], [], 30)[0]
            printed = ""
            for line in process.stdout:
                printed += line
                if "Ctrl+C" in line:
                    break
            address = re.search(r"http://127\.0\.0\.1:(\d+)/\n", printed)
            assert address, printed
            with socket.create_connection(("127.0.0.1", int(address[1])), 10) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert b" 200 " in connection.recv(15)
            assert (tmp_path / "admin-password").read_text() in printed
            os.kill(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 0
            assert not re.search("Traceback|Warning", errors), errors
        finally:
            process.kill()


def test_make_demo_says_what_it_does_before_each_step(tmp_path: Path) -> None:
    """The environment, the packages and the start, each with its line, and no other output of make."""
    command = ["make", "--dry-run", "demo", f"VENV={tmp_path}/new"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for step in ("-m venv ", "-m pip install ", "-m example_app"):
        (number,) = [number for number, line in enumerate(lines) if step in line]
        assert lines[number - 1].startswith("echo ")
    recipes = re.findall(r"^\t(.+)$", _rules_of_the_demo(), re.MULTILINE)
    assert recipes
    assert all(line.startswith("@") for line in recipes)


def _rules_of_the_demo() -> str:
    """The Makefile's rules that `make demo` runs."""
    makefile = (ROOT / "Makefile").read_text()
    beginnings = ("demo:", "$(VENV)/bin/python:", "$(VENV)/.%:")
    return "".join(rule for rule in re.split(r"\n(?=\S)", makefile + "\n") if rule.startswith(beginnings))
