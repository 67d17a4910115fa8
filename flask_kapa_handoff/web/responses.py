"""Responses that are not pages: JSON, and the status of a problem."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from ..errors import RequestProblem


def with_status(response: Response, problem: RequestProblem) -> Response:
    """The response with a problem's status and ``Retry-After``."""
    response.status_code = problem.code or 500
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def json_response(value: dict[str, Any]) -> Response:
    """A JSON response in our own spelling."""
    # Not jsonify(): a site's JSON provider may spell keys its own way.
    return Response(json.dumps(value, ensure_ascii=False) + "\n", mimetype="application/json")
