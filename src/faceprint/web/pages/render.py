"""Templates to answers, and forms with their CSRF token."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from faceprint.web.access import Visitor, check_csrf, keep_session
from faceprint.web.forms import Form, read_form
from faceprint.web.state import state_of

__all__ = ["created", "page_form", "render", "see_other", "wants_fragment"]

_NEWS = {
    "erased": "Erased, with every template, picture and consent record.",
    "renamed": "Renamed.",
    "noted": "Notes saved.",
    "merged": "Merged into one person.",
    "consented": "Consent recorded.",
    "deleted": "Deleted, with all its files.",
}


def render(
    request: Request, visitor: Visitor, template: str, *, status: int = 200, **context: object
) -> HTMLResponse:
    """A template as an answer that carries the visitor's session."""
    state = state_of(request)
    body = state.templates.get_template(template).render(
        visitor=visitor,
        locked=state.options.api_key is not None,
        max_upload_bytes=state.options.max_upload_bytes,
        max_photos=state.options.max_photos,
        news=_NEWS.get(request.query_params.get("done", "")),
        **context,
    )
    answer = HTMLResponse(body, status)
    if visitor.fresh and visitor.session is not None:
        keep_session(answer, request, visitor.session)
    return answer


def wants_fragment(request: Request) -> bool:
    """Whether a script asks for the inner part of a page."""
    return "x-fragment" in request.headers


def see_other(path: str) -> RedirectResponse:
    """Sends the browser on after a change."""
    return RedirectResponse(path, 303)


def created(request: Request, path: str) -> Response:
    """Leads on to what was made: a browser by itself, a script by the header Location."""
    if wants_fragment(request):
        return Response(status_code=201, headers={"Location": path})
    return see_other(path)


async def page_form(
    request: Request, visitor: Visitor, *, photos: int = 0, documents: int = 0
) -> Form:
    """Reads the form of a page and checks its CSRF token, which a script may send as a header.

    Raises:
        HTTPException: 403 without the right token; see `read_form` for the others.
    """
    header = request.headers.get("x-csrf-token")
    if header is not None:
        check_csrf(request, visitor.session, header)
    form = await read_form(request, photos=photos, documents=documents)
    if header is None:
        check_csrf(request, visitor.session, form.fields.get("csrf", ""))
    return form
