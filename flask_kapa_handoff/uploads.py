"""Stores a visitor's files before the form is sent: limits, and one short transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, and_, func, insert, select

from .attachments import MAX_FILES, MAX_OCTETS, File, FileRefused
from .config import Config
from .errors import RateLimited
from .offers import Offer
from .quotas import WINDOW, Keys
from .storage.attachments import UNSENT_LIFE, Attachment, delete_unsent, files_of_form
from .storage.engine import Database, now
from .storage.tables import attachment as table
from .storage.tables import ticket
from .translation import gettext as _
from .translation import ngettext
from .translation import noop as N_

MAX_BODY = MAX_OCTETS + 100_000
"""The largest request with files, in octets: multipart adds some to each file."""

_TIMES = {"client_key": 1, "network_key": 4, "wide_network_key": 16}
"""By column, how many clients it counts as; as for tickets."""

_SITE_SHARE = 4
"""The whole site's files in an hour: as if one ticket in this many had as many as it may."""

_FULL = N_("We can't take more files right now. You can send your question without them.")


def keep_files(
    database: Database, config: Config, offer: Offer, keys: Keys, kept: Sequence[UUID], files: Sequence[File]
) -> list[Attachment]:
    """Make a form's files exactly these: the ones that it keeps, then the new ones. Others are deleted.

    Arguments:
        offer: the form's.
        kept: the ids of files that were stored before.

    Returns:
        The form's files, without their content; one that is no longer stored is missing. If the form was sent already,
        nothing is stored: the ticket has its files.

    Raises:
        FileRefused: they are too many, or too large together. Nothing is changed.
        RateLimited: too many files came from there in the last hour.
        Unavailable: the database cannot be reached.
    """
    columns = table.c
    given = {file_id(offer, one): one for one in files}
    # The ticket's commit is the one that has to survive.
    with database.write(survives_power_cut=False) as connection:
        moment = now(connection)
        found = files_of_form(connection, [*kept, *given], offer.id)
        known = {one.id for one in found}
        new = [
            (Attachment(one, file.name, file.media_type, file.size), file)
            for one, file in given.items()
            if one not in known
        ]
        found += [attachment for attachment, _file in new]
        require_room(found)
        if connection.execute(select(ticket.c.id).where(ticket.c.offer_id == offer.id)).first() is not None:
            return found
        delete_unsent(connection, columns.created_at < moment - UNSENT_LIFE)
        # Only this client's: a page that the site caches may have one offer for several visitors.
        of_form = and_(columns.offer_id == offer.id, columns.client_key == keys.client_key)
        delete_unsent(connection, and_(of_form, columns.id.not_in([one.id for one in found])))
        if new:
            _check_quotas(connection, config, keys, moment, [file for _attachment, file in new])
        for number, (attachment, file) in enumerate(new):
            values = {
                "offer_id": offer.id,
                "created_at": moment + timedelta(microseconds=number),  # their order
                "content": file.content,
                **{column: getattr(keys, column) for column in _TIMES},
            }
            connection.execute(insert(table).values({**vars(attachment), **values}))
    return found


def file_id(offer: Offer, file: File) -> UUID:
    """An id, the same for the same file in the same form: a form that is sent twice has the same files."""
    said = "\0".join((offer.id, file.name)).encode() + b"\0" + file.content
    return UUID(bytes=hashlib.sha256(said).digest()[:16], version=4)


def require_room(files: Sequence[Attachment]) -> None:
    """Check how many files a ticket has, and their size together.

    Raises:
        FileRefused: they are too many, or too large.
    """
    if len(files) > MAX_FILES:
        raise FileRefused(ngettext("You can add %(number)s file.", "You can add up to %(number)s files.", MAX_FILES))
    if sum(one.size for one in files) > MAX_OCTETS:
        raise FileRefused(files_too_large())


def files_too_large() -> str:
    """A sentence for the visitor."""
    return _("Files can have %(number)s MB together. Make one smaller, or leave one out.", number=MAX_OCTETS // 10**6)


def _check_quotas(connection: Connection, config: Config, keys: Keys, moment: datetime, files: Sequence[File]) -> None:
    columns, size = table.c, sum(one.size for one in files)
    tickets, site = config.tickets_per_client_per_hour, config.tickets_per_hour / _SITE_SHARE
    limits = [(columns[name] == getattr(keys, name), times * tickets) for name, times in _TIMES.items()]
    for condition, most in [*limits, (columns.id.is_not(None), max(1, site))]:
        query = select(func.count(), func.coalesce(func.sum(columns.size), 0), func.min(columns.created_at))
        row = connection.execute(query.where(columns.created_at > moment - WINDOW, condition)).one()
        if row[0] + len(files) > most * MAX_FILES or row[1] + size > most * MAX_OCTETS:
            first = row[2] if isinstance(row[2], datetime) else moment
            raise RateLimited(_FULL, retry_after=max(1, round((first + WINDOW - moment).total_seconds())))
