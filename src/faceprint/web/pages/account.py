"""Signing in with the key, and out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from faceprint.web.access import COOKIE, PageVisitor, check_key, keep_session, visit_page
from faceprint.web.pages.render import page_form, render, see_other
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """Where the key is given."""
    visitor = visit_page(request, open_to_all=True)
    return render(request, visitor, "sign_in.html", page="sign-in", message="")


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Checks the key and starts a session with a new id."""
    state = state_of(request)
    visitor = visit_page(request, open_to_all=True)
    form = await page_form(request, visitor)
    if state.options.api_key is None:
        return see_other("/")
    try:
        check_key(request, form.fields.get("key", "").strip())
    except HTTPException as refusal:
        answer = render(
            request,
            visitor,
            "sign_in.html",
            status=refusal.status_code,
            page="sign-in",
            message=refusal.detail,
        )
        answer.headers.update(refusal.headers or {})
        return answer
    if visitor.session is not None:
        state.signer.revoke(visitor.session)
    going_on = see_other("/")
    session = state.signer.new_session(signed_in=True, lifetime_s=state.options.session_s)
    keep_session(going_on, request, session)
    return going_on


@router.post("/sign-out")
async def sign_out(request: Request, visitor: PageVisitor) -> Response:
    """Ends the session here and in the browser."""
    await page_form(request, visitor)
    if visitor.session is not None:
        state_of(request).signer.revoke(visitor.session)
    leaving = see_other("/sign-in")
    leaving.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return leaving
