"""The route that stores a form's files before it is sent, and what a form says about its files."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage, MultiDict

from ..attachments import MAX_FILES, MAX_OCTETS, FileRefused, read_file
from ..errors import Conflict, Invalid, RequestProblem
from ..offers import Offer, OfferExpired
from ..quotas import keys_of
from ..settings import DEFAULT_DESK, DeskSettings, current_settings
from ..state import State, current_state
from ..storage.attachments import files_of_form
from ..submission import FILE_IS_GONE, has_opened_ticket
from ..translation import gettext as _
from ..translation import noop as N_
from ..uploads import MAX_BODY, file_id, keep_files, require_room
from ..web.form_files import FormFiles, ids_of_files, takes_files
from ..web.language import speak_language_of_page
from ..web.origin import require_known_origin
from ..web.requests import wants_fragment
from ..web.responses import json_response
from .blueprint import blueprint
from .requests import MULTIPART, read_fields
from .responses import files_response, with_problem

FIELDS = ("offer", "attachments")

_NOT_TAKEN = N_("We can't take files here any more. Send your question without them.")


@blueprint.post("/attachments")
def attachments() -> ResponseReturnValue:
    """Make a form's files those that it keeps (``attachments``) and those that are sent (``files``)."""
    state = current_state()
    files = FormFiles()
    problem: RequestProblem | None = None
    try:
        fields = read_fields(state.config, FIELDS, files=MAX_BODY)
        offered = _offer(state, fields)
        require_known_origin(state, offered=offered)
        with state.database.read() as connection:
            settings = current_settings(connection, state.config, offered.desk)
            if takes_files(settings, offered) and has_opened_ticket(connection, offered):
                raise Conflict
        read_files(state, files, offered, fields, settings)
        if files.problems:
            problem = Invalid(fields={"attachments": files.problems})
    except RequestProblem as error:
        problem = error
        files.problems.append(error.as_text())
    if wants_fragment():
        response: Response = files_response(files)
    elif problem is not None:
        response = json_response(problem.as_json())
    else:
        response = json_response({"attachments": [{"id": str(one.id), **one.as_json()} for one in files.kept]})
    return with_problem(response, problem)


def body_limit(state: State) -> int:
    """How many octets the files of a form may have that is sent without script."""
    settings = state.settings_cache.get(state.database, state.config, DEFAULT_DESK)
    return MAX_BODY if settings is not None and settings.form.attachments else 0


def read_files(
    state: State, files: FormFiles, offered: Offer, fields: MultiDict[str, Any], settings: DeskSettings
) -> None:
    """Fill ``files`` with what a form keeps, and store what it brings; see :func:`.keep_files`.

    Raises:
        RateLimited: too many files came from there.
        Unavailable: the database cannot be reached.
    """
    kept, sent = ids_of_files(fields.getlist("attachments")), _sent_files()
    if not takes_files(settings, offered):
        if kept or sent:
            files.problems.append(_(_NOT_TAKEN))
        return
    with state.database.read() as connection:
        files.kept = files_of_form(connection, kept, offered.id)
    if len(files.kept) < len(kept):
        files.problems.append(_(FILE_IS_GONE))
    new = []
    for at, file in sent[: MAX_FILES + 1]:
        try:
            new.append((at, read_file(file.filename or "", file.stream.read(MAX_OCTETS + 1))))
        except FileRefused as error:
            files.problems.append(str(error))
    try:
        if request.mimetype == MULTIPART:  # it may have fewer files than before
            keys = keys_of(request.remote_addr, "", state.secret)
            read = [file for _at, file in new]
            files.kept = keep_files(state.database, state.config, offered, keys, kept, read)
            files.added = {file_id(offered, file): at for at, file in new}
        else:
            require_room(files.kept)
    except FileRefused as error:
        files.problems.append(str(error))


def _sent_files() -> list[tuple[int, FileStorage]]:
    """The files of the request with their positions. A browser sends an empty one without a name for "no file"."""
    return [(at, file) for at, file in enumerate(request.files.getlist("files")) if file.filename]


def _offer(state: State, fields: MultiDict[str, Any]) -> Offer:
    try:
        offered = state.offer_signer().read(fields.get("offer", ""))
    except OfferExpired as error:
        offered = error.offer  # sending the form renews it
    speak_language_of_page(offered.language)
    return offered
