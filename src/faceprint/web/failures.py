"""Errors to HTTP: the one place that knows status codes for the error tree."""

from __future__ import annotations

import logging
import secrets

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from faceprint.errors import (
    CalibrationError,
    ConsentError,
    DeviceUnavailableError,
    FaceprintError,
    GalleryUnavailableError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    InputError,
    LicenceRefusedError,
    MissingExtraError,
    OutputError,
    PersonNotFoundError,
    UnknownModelError,
    VideoFormatError,
    VideoNotFoundError,
    WeightsMissingError,
)
from faceprint.files import is_full
from faceprint.jobs import JobNotFoundError, JobsBusyError, JobStateError
from faceprint.web.access import BounceNeeded, SignInNeeded
from faceprint.web.guard import answer_headers
from faceprint.web.state import state_of

__all__ = ["failure_answer", "install", "status_of"]

_log = logging.getLogger(__name__)

_STATUS: dict[type[FaceprintError], int] = {
    ImageNotFoundError: 404,
    ImageFormatError: 415,
    ImageTooLargeError: 413,
    VideoNotFoundError: 404,
    VideoFormatError: 415,
    JobNotFoundError: 404,
    JobStateError: 409,
    JobsBusyError: 503,
    InputError: 422,
    UnknownModelError: 404,
    WeightsMissingError: 503,
    LicenceRefusedError: 403,
    DeviceUnavailableError: 503,
    CalibrationError: 422,
    PersonNotFoundError: 404,
    ConsentError: 422,
    GalleryUnavailableError: 503,
    MissingExtraError: 501,
    FaceprintError: 500,
}

_CODES = {
    400: "bad_request",
    401: "sign_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "not_an_image",
    421: "wrong_host",
    429: "too_many",
    503: "busy",
    507: "disk_full",
}

_RETRY_AFTER_S = 5


def status_of(error: FaceprintError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, GalleryUnavailableError | OutputError) and _disk_is_full(error):
        return 507
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def _disk_is_full(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if is_full(cause) or "disk is full" in str(cause):
            return True
        cause = cause.__cause__
    return False


def install(app: FastAPI) -> None:
    """Makes an app answer every error as JSON under /api/ and as a page elsewhere."""
    app.add_exception_handler(FaceprintError, _faceprint_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(BounceNeeded, _bounce)
    app.add_exception_handler(Exception, _unexpected)


async def _faceprint_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FaceprintError)
    status = status_of(error)
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if status == 503 else {}
    return _answer(request, status, error.code, str(error), headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return failure_answer(request, error)


def failure_answer(request: Request, error: HTTPException) -> Response:
    """The answer to a refused request."""
    message = "There is nothing here." if error.detail == "Not Found" else error.detail
    code = _CODES.get(error.status_code, "error")
    return _answer(request, error.status_code, code, message, dict(error.headers or {}))


async def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    reasons = [
        f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}"
        for item in error.errors()[:3]
    ]
    message = "The request does not have the expected shape. " + "; ".join(reasons) + "."
    return _answer(request, 422, InputError.code, message, {})


async def _sign_in(request: Request, _: Exception) -> Response:
    if _wants_fragment(request) or request.method != "GET":
        return failure_answer(request, HTTPException(401, "Your sign-in has ended. Sign in again."))
    return RedirectResponse(request.url_for("sign_in_page").path, 303)


async def _bounce(request: Request, _: Exception) -> Response:
    template = state_of(request).templates.get_template("bounce.html")
    query = f"?{request.url.query}" if request.url.query else ""
    return HTMLResponse(template.render(here=request.url.path + query))


async def _unexpected(request: Request, error: Exception) -> Response:
    incident = secrets.token_hex(4)
    _log.error("request failed, incident %s", incident, exc_info=error)
    message = f"Something went wrong here. The log of the server has it as incident {incident}."
    # This answer is made outside of the middleware that adds these headers to the others.
    headers = dict(answer_headers(request.url.path))
    return _answer(request, 500, "internal", message, headers)


def _answer(
    request: Request, status: int, code: str, message: str, headers: dict[str, str]
) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
    name = "_failure.html" if _wants_fragment(request) else "failure.html"
    template = state_of(request).templates.get_template(name)
    body = template.render(status=status, code=code, message=message, page="", visitor=None)
    return HTMLResponse(body, status, headers)


def _wants_fragment(request: Request) -> bool:
    return "x-fragment" in request.headers
