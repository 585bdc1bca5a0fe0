"""What is told of the faces of a photo besides who they are. Nothing that is sent here is kept."""

from __future__ import annotations

from pathlib import PurePath

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from faceprint.errors import InputError
from faceprint.media import encode_image
from faceprint.pipeline.appearance import Looks
from faceprint.pipeline.parts_pictures import cut_out, overlay, palette_png, rgba_png
from faceprint.pipeline.segmenting import Segmentation
from faceprint.web.access import ApiUploader
from faceprint.web.api.contract import ERRORS, form_body
from faceprint.web.api.schemas import AnalysisOut, SegmentationOut
from faceprint.web.appearance import OFF, check_on
from faceprint.web.forms import read_photo
from faceprint.web.gallery import download
from faceprint.web.state import state_of

__all__ = ["router"]

_FORMATS = ("mask", "overlay", "cutout", "json")

_FORMAT_FIELD = {
    "type": "string",
    "enum": list(_FORMATS),
    "description": "Of the answer: a PNG of class numbers with a palette (the default), of the photo in "
    "their colours, or of the heads alone on a transparent ground; or the areas as JSON.",
}

router = APIRouter(prefix="/api/v1", tags=["recognition"], responses=ERRORS)


@router.post(
    "/analyze",
    openapi_extra=form_body(
        "photo", "parts", "appearance", "largest", "thorough", required=("photo",)
    ),
)
async def analyze(request: Request, visitor: ApiUploader) -> AnalysisOut:
    """Tells of every face where it looks, how well it can be compared, and whether it seems to live.

    Asked for, the parts of the head come too; and where the app makes such estimates, how the face looks: age
    with an interval, gender and emotion as probabilities.

    Estimates, not facts about a person; nobody is identified and nothing is kept. Whoever runs the app turns
    age, gender and emotion on; else they are null, and asking for them is refused with 403.
    """
    form, photo = await read_photo(request)
    state = state_of(request)
    if form.flag("appearance"):
        check_on(state)
    on = state.options.attributes
    looks = Looks(
        parts=form.flag("parts"),
        appearance=form.flag("appearance") if form.text("appearance") else on,
    )
    found = await state.photo_work.run(
        state.engine.analyze,
        photo.open(),
        looks=looks,
        largest=form.flag("largest"),
        thorough=form.flag("thorough"),
    )
    record = found.to_dict() | {"image": photo.name}
    if not on:
        record["notes"]["appearance"] = OFF
    return AnalysisOut.model_validate(record)


@router.post(
    "/segment",
    response_model=SegmentationOut,
    responses={200: {"content": {"image/png": {}}, "description": "The picture, or the areas."}},
    openapi_extra=form_body(
        "photo", "largest", "thorough", required=("photo",), own={"format": _FORMAT_FIELD}
    ),
)
async def segment(request: Request, visitor: ApiUploader) -> Response:
    """Says of every pixel what part of a head it shows: skin, hair, eyes, as far as the parser knows them.

    Class numbers are those of CelebAMask-HQ; 0 is the background.
    """
    form, photo = await read_photo(request)
    kind = form.text("format") or "mask"
    if kind not in _FORMATS:
        raise InputError(f"The field format is one of {', '.join(_FORMATS)}, got {kind[:20]!r}.")
    engine = state_of(request).engine

    def answer() -> Response:
        found = engine.segment(
            photo.open(), largest=form.flag("largest"), thorough=form.flag("thorough")
        )
        if kind == "json":
            record = found.to_dict() | {"image": photo.name}
            return JSONResponse(SegmentationOut.model_validate(record).model_dump())
        name = f"{PurePath(photo.name).stem or 'photo'}-{kind}.png"
        return download(_picture(found, kind), name, "image/png")

    return await state_of(request).photo_work.run(answer)


def _picture(found: Segmentation, kind: str) -> bytes:
    """A PNG of what the heads of a photo show."""
    pixels = found.detection.pixels
    if kind == "overlay":
        return encode_image(overlay(pixels, found.labels), format="png")
    return (
        rgba_png(cut_out(pixels, found.labels)) if kind == "cutout" else palette_png(found.labels)
    )
