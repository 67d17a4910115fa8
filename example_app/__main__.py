"""``python -m example_app``: starts the mail server and the site, and prints where to look."""

from __future__ import annotations

import argparse
import atexit
import logging
import signal
import socket
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from . import create_app
from .inbox import mail_folder
from .mail_server import LOOPBACK, start_mail_server

PORT = 5000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m example_app", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, help=f"default: {PORT}, or a free one if that is taken")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="default: instance/ of the checkout")
    arguments = parser.parse_args()

    instance = arguments.data.resolve() if arguments.data else Path(Flask("example_app").instance_path)
    mail_server = start_mail_server(mail_folder(instance))
    # The handler registered last is called first: the delivery finishes the current mail, and then its server ends. In
    # the other order, it could wait half a minute for a server that is gone.
    atexit.register(mail_server.stop)
    app = create_app({"INSTANCE_PATH": str(instance), "MAIL_PORT": mail_server.port})
    listener = listen(arguments.host, arguments.port)
    server = make_server(arguments.host, listener.getsockname()[1], app, threaded=True, fd=listener.fileno())
    # The inbox polls for new mails every two seconds: a line for each request would bury everything else.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)

    shown_host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    address = f"http://{shown_host}:{server.port}"
    print(f"Tour (2 minutes)          {address}/tour/{app.config['TOUR_KEY']}")
    print(f"Pebblecask documentation  {address}/")
    print(f"Inbox                     {address}/inbox/")
    print(f"Settings                  {address}/handoff/admin/")
    print(f"Sign in as                admin, password {app.config['ADMIN_PASSWORD']}")
    print("Begin with the tour, or ask its chat something that its pages don't cover, and send a ticket.")
    print("Stop with Ctrl+C.", flush=True)
    if arguments.host not in (LOOPBACK, "localhost", "::1"):
        print("Everybody who can reach this address can read the inbox.", flush=True)

    # SIGINT as well, since programs that a shell starts in the background ignore it by default.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        server.serve_forever()  # until Ctrl+C
    finally:
        listener.close()


def listen(host: str, port: int | None, *, usual: int = PORT) -> socket.socket:
    """A listening socket: on the requested port, else on the default one, else on a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if port is not None:
        return socket.create_server((host, port), family=family)
    try:
        return socket.create_server((host, usual), family=family)
    except OSError:
        return socket.create_server((host, 0), family=family)


if __name__ == "__main__":
    main()
