"""Finds out who can use an SQLite file, from owners and modes: SQLite only says "unable to open"."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _

KEY = "KAPA_HANDOFF_DATABASE_URI"


@dataclass(frozen=True)
class Obstacle:
    """What prevents a user from using the file, and what to do."""

    what: LazyText
    remedy: LazyText

    def __str__(self) -> str:
        return f"{self.what.english} {self.remedy.english}"


def obstacle(file: Path) -> Obstacle | None:
    """What prevents this process's user from using or creating an SQLite file; None: nothing visible."""
    file = Path(os.path.realpath(file))
    user, folder = _this_user(), _nearest(file.parent)
    remedy = _(
        "Let the user %(user)s write there, run this as a user who can, or set %(key)s to a file in a folder that the "
        "user %(user)s can write, such as %(uri)s.",
        user=user,
        key=KEY,
        uri="sqlite:////var/lib/site/kapa_handoff.sqlite3",
    )
    if _is_folder(file):
        what = _("%(path)s is a folder, not a file.", path=file)
        return Obstacle(what, _("Set %(key)s to a file in it.", key=KEY))
    if not _is_folder(folder):
        what = _("%(folder)s is not a folder, so %(file)s cannot be made.", folder=folder, file=file)
        return Obstacle(what, _("Set %(key)s to another place.", key=KEY))
    if _is_read_only(folder):
        what = _("%(file)s is on a file system that is mounted read-only.", file=file)
        return Obstacle(what, _("Set %(key)s to a file elsewhere.", key=KEY))
    values = {"file": file, "folder": folder, "user": user}
    if not _can(file, os.F_OK):
        if _can(folder, os.W_OK | os.X_OK):
            return None
        what = _(
            "The folder %(folder)s belongs to %(owner)s (mode %(mode)s), and the user %(user)s, who runs this "
            "process, cannot make %(file)s in it.",
            **values,
            **_owned(folder),
        )
        return Obstacle(what, remedy)
    if not _can(file, os.R_OK | os.W_OK):
        what = _(
            "The file %(file)s belongs to %(owner)s (mode %(mode)s), and the user %(user)s, who runs this process, "
            "cannot write to it.",
            **values,
            **_owned(file),
        )
        return Obstacle(what, remedy)
    if not _can(folder, os.W_OK | os.X_OK):
        what = _(
            "SQLite keeps a log beside %(file)s. The folder belongs to %(owner)s (mode %(mode)s), and the user "
            "%(user)s, who runs this process, cannot write there.",
            **values,
            **_owned(folder),
        )
        return Obstacle(what, remedy)
    return None


def obstacle_of_owner(file: Path) -> Obstacle | None:
    """What prevents the folder's owner, usually the web server's user, from using a file that another user made."""
    file = Path(os.path.realpath(file))
    try:
        of_file, of_folder = file.stat(), file.parent.stat()
    except OSError:
        return None
    if of_folder.st_uid in (0, of_file.st_uid) or _may_write(of_file, of_folder.st_uid):
        return None
    owner = _name(of_folder.st_uid)
    return Obstacle(
        _(
            "The file %(file)s belongs to %(owner)s (mode %(mode)s), and the user %(user)s, who owns its folder, "
            "cannot write to it.",
            file=file,
            user=owner,
            **_owned(file),
        ),
        _(
            "If the web server runs as %(user)s: %(command)s. Run the commands as that user, too.",
            user=owner,
            command="`chown " + owner + " " + str(file) + "*`",
        ),
    )


def owner_can(file: Path) -> str | None:
    """The folder's owner, if that is not this process's user and could use the file; else None."""
    place = Path(os.path.realpath(file))
    folder = _nearest(place.parent)
    if not hasattr(os, "geteuid"):
        return None
    try:
        of_folder = folder.stat()
        usable = not place.exists() or _may_write(place.stat(), of_folder.st_uid)
    except OSError:
        return None
    is_other = of_folder.st_uid not in (0, os.geteuid())
    return _name(of_folder.st_uid) if is_other and usable and _may_write(of_folder, of_folder.st_uid) else None


def only_user(file: Path) -> str | None:
    """The only user who can use the file; None: others can, too."""
    try:
        found = file.stat()
    except OSError:
        return None
    return None if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else _name(found.st_uid)


def make_folders(folder: Path) -> None:
    """Create a folder and its parents; as root, make them belong to the owner of the folder that contains them."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        give_to_owner_of_folder(made)


def give_to_owner_of_folder(path: Path) -> str | None:
    """As root, give a new file or folder to the owner of the folder that contains it, often the web server's user.

    Returns:
        That user's name; None: nothing had to change.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    of_folder = path.parent.stat()
    if of_folder.st_uid == 0:
        return None
    os.chown(path, of_folder.st_uid, of_folder.st_gid, follow_symlinks=False)
    return _name(of_folder.st_uid)


def _nearest(folder: Path) -> Path:
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def _can(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _is_read_only(folder: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _may_write(found: os.stat_result, uid: int) -> bool:
    if uid in (0, found.st_uid):
        return uid == 0 or bool(found.st_mode & stat.S_IWUSR)
    if found.st_gid in _groups(uid):
        return bool(found.st_mode & stat.S_IWGRP)
    return bool(found.st_mode & stat.S_IWOTH)


def _groups(uid: int) -> list[int]:
    import pwd

    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return []
    return os.getgrouplist(user.pw_name, user.pw_gid)


def _owned(path: Path) -> dict[str, str]:
    found = path.stat()
    return {"owner": _name(found.st_uid), "mode": f"{stat.S_IMODE(found.st_mode):04o}"}


def _this_user() -> str:
    return _name(os.geteuid()) if hasattr(os, "geteuid") else "this user"


def _name(uid: int) -> str:
    try:
        import pwd
    except ModuleNotFoundError:  # Windows
        return "another user"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
