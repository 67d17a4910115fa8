"""A disk that can be filled: a small tmpfs of one process or, if not allowed, a limit on file sizes."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = "24m"
VARIABLE = "KAPA_HANDOFF_SMALL_DISK"

_MOUNT = f'mount -t tmpfs -o size={SIZE} none "$0" && exec "$@"'


def command_on_a_small_disk(folder: Path, command: list[str]) -> list[str]:
    """The command that runs another one with a small disk at a folder, which only its processes see."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    mounting = ["unshare", "--mount", *as_root, "sh", "-c", _MOUNT, str(folder)]
    with contextlib.suppress(OSError):
        if subprocess.run([*mounting, "true"], capture_output=True).returncode == 0:
            return [*mounting, *command]
    return command


class SmallDisk:
    """The disk as the processes on it see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_mounted = os.path.ismount(folder)
        self._filler = folder / "filler"
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, *, leave: int = 0) -> None:
        """Fill the disk except for a number of bytes."""
        if not self.is_mounted:
            largest = max((file.stat().st_size for file in self.folder.iterdir()), default=0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest + leave, self._limit[1]))
            return
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                while True:
                    try:
                        file.write(bytes(size))
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        break
            file.truncate(max(0, file.tell() - leave))

    def free(self) -> None:
        """Free the space again."""
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)
            return
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """The disk that this process was started on, empty."""
    disk = SmallDisk(Path(os.environ[VARIABLE]))
    for file in disk.folder.iterdir():
        file.unlink()
    try:
        yield disk
    finally:
        disk.free()
