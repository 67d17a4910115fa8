"""A small SMTP server on a free loopback port: it keeps each message as a file, for the inbox to show."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"


class MailServer(Controller):
    """aiosmtpd's controller, which on its own cannot be given port 0.

    After the start it connects once to the port that it was *asked* for, to see whether the server
    answers. With port 0 the system has chosen another one, which is only known once the socket is bound.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(_Keeper(folder), hostname=LOOPBACK, port=0)

    def factory(self) -> SMTP:
        # Without its loop, aiosmtpd asks asyncio for one in a way that newer Pythons warn about.
        return SMTP(self.handler, loop=self.loop, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # bound by now
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's


class _Keeper:
    """Keeps what arrives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        # The name sorts by time. Renaming is atomic: the inbox never reads half a message.
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        draft = self._folder / f"{name}.part"
        draft.write_bytes(envelope.original_content or b"")
        draft.replace(self._folder / f"{name}.eml")
        return "250 OK"


def start_mail_server(folder: Path) -> MailServer:
    """Start the server in a thread of its own; its ``port`` is known afterwards, its ``stop()`` ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    server = MailServer(folder)
    server.start()
    return server
