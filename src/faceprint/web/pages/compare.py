"""Two photos: the same person or not."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.media import read_image
from faceprint.pipeline.results import Verification
from faceprint.web.access import PageUploader, PageVisitor
from faceprint.web.forms import Upload
from faceprint.web.pages.render import page_form, render, wants_fragment
from faceprint.web.pictures import preview_uri
from faceprint.web.state import state_of
from faceprint.web.views import closeness

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/verify")
async def compare_page(request: Request, visitor: PageVisitor) -> Response:
    """Where two photos are given."""
    return render(request, visitor, "compare.html", page="compare", result=None)


@router.post("/verify")
async def compare_photos(request: Request, visitor: PageUploader) -> Response:
    """The answer: a whole page, or its inner part for a script."""
    form = await page_form(request, visitor, photos=2)
    a, b = form.photo("a"), form.photo("b")
    state = state_of(request)
    result: Verification = await state.photo_work.run(
        state.engine.verify, a.open(), b.open(), largest=form.flag("largest")
    )
    context: dict[str, Any] = {"result": result, "words": closeness(result.score, result.threshold)}
    if wants_fragment(request):
        return render(request, visitor, "_comparison.html", **context)
    previews = await state.photo_work.run(_previews, a, b, state.engine.settings.max_pixels)
    return render(
        request,
        visitor,
        "compare.html",
        page="compare",
        previews=previews,
        names=(a.name, b.name),
        **context,
    )


def _previews(a: Upload, b: Upload, max_pixels: int) -> tuple[str, ...]:
    return tuple(
        preview_uri(read_image(one.data, name=one.name, max_pixels=max_pixels).pixels)
        for one in (a, b)
    )
