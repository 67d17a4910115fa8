"""An SMTP server that throws mail away, after a delay. A process of its own: ``python -m benchmarks.mail_sink 50``."""

from __future__ import annotations

import asyncio
import sys


async def _serve(delay_milliseconds: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _dialogue(reader, writer, delay_milliseconds / 1000)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client disconnected without QUIT
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1_000_000)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


async def _dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    writer.write(b"220 localhost ready\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            # Where a real server needs time: it checks the whole mail before accepting it.
            await asyncio.sleep(delay)
            writer.write(b"250 taken\r\n")
        elif verb == b"QUIT":
            writer.write(b"221 goodbye\r\n")
            await writer.drain()
            return
        elif verb == b"EHLO":
            writer.write(b"250-localhost\r\n250 PIPELINING\r\n")  # as Postfix, Exim, Gmail and Exchange do
        else:
            writer.write(b"250 localhost\r\n")
        await writer.drain()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
