"""Photos in, faces and names out. Nothing that is sent here is kept."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.errors import InputError
from faceprint.pipeline.results import limit_dict
from faceprint.types import Embeddings
from faceprint.web.access import ApiUploader
from faceprint.web.api.contract import ERRORS, form_body
from faceprint.web.api.schemas import (
    DetectionOut,
    EmbeddedPhotoOut,
    EmbeddingIn,
    EmbeddingPair,
    EmbeddingProbe,
    IdentificationOut,
    NamedEmbeddingsOut,
    VerificationOut,
)
from faceprint.web.forms import Form, read_form, read_json, read_photo
from faceprint.web.hiding import hidden_answer
from faceprint.web.pictures import labelled_answer
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["recognition"], responses=ERRORS)

NumberT = TypeVar("NumberT", int, float)

_MAX_CANDIDATES = 50


@router.post("/detect", openapi_extra=form_body("photo", "thorough", required=("photo",)))
async def detect(request: Request, visitor: ApiUploader) -> DetectionOut:
    """Finds the faces of a photo."""
    form, photo = await read_photo(request)
    state = state_of(request)
    found = await state.photo_work.run(
        state.engine.detect, photo.open(), thorough=form.flag("thorough")
    )
    return DetectionOut.model_validate(found.to_dict() | {"image": photo.name})


@router.post("/embed", openapi_extra=form_body("photo", "thorough", required=("photo",)))
async def embed(request: Request, visitor: ApiUploader) -> EmbeddedPhotoOut:
    """Finds the faces of a photo and gives the embedding of each."""
    form, photo = await read_photo(request)
    state = state_of(request)
    found = await state.photo_work.run(
        state.engine.embed, photo.open(), thorough=form.flag("thorough")
    )
    return EmbeddedPhotoOut.model_validate(found.to_dict() | {"image": photo.name})


@router.post(
    "/identify",
    response_model=IdentificationOut | NamedEmbeddingsOut,
    openapi_extra=form_body(
        "photo", "thorough", "fpir", "fmr", "top_k", required=("photo",), json=EmbeddingProbe
    ),
)
async def identify(request: Request, visitor: ApiUploader) -> dict[str, Any]:
    """Names the faces of a photo, or one ready embedding, against the gallery."""
    state = state_of(request)
    if _is_json(request):
        probe = await read_json(request, EmbeddingProbe)
        named = await state.photo_work.run(
            state.engine.identify_embeddings,
            _embeddings(probe),
            call=visitor.call("identify"),
            fpir=probe.fpir,
            fmr=probe.fmr,
            top_k=probe.top_k,
        )
        threshold = named[0].threshold
        return {
            "results": [one.to_dict() for one in named],
            "fpir": probe.fpir if probe.fmr is None else None,
            "fmr": probe.fmr,
            **limit_dict(threshold),
            "model": probe.model_id,
        }
    form, photo = await read_photo(request)
    found = await state.photo_work.run(
        state.engine.identify,
        photo.open(),
        call=visitor.call("identify"),
        fpir=_rate(form, "fpir", default=0.01),
        fmr=_rate(form, "fmr", default=0.001) if form.text("fmr") else None,
        top_k=_count(form, "top_k", default=5),
        thorough=form.flag("thorough"),
    )
    return found.to_dict() | {"image": photo.name}


@router.post(
    "/identify/picture",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "The picture."}
    },
    openapi_extra=form_body("photo", "thorough", "format", required=("photo",)),
)
async def identify_picture(request: Request, visitor: ApiUploader) -> Response:
    """The photo with its faces outlined and named."""
    form, photo = await read_photo(request)
    return await labelled_answer(request, form, photo, call=visitor.call("identify"))


@router.post(
    "/anonymise",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "The picture."}},
    openapi_extra=form_body("photo", "how", "whom", "people", "thorough", required=("photo",)),
)
async def anonymise(request: Request, visitor: ApiUploader) -> Response:
    """The photo with faces hidden: of everyone, of all but the enrolled, or of the enrolled alone."""
    form, photo = await read_photo(request)
    return await hidden_answer(request, form, photo, call=visitor.call("anonymise"))


@router.post(
    "/verify",
    openapi_extra=form_body("a", "b", "largest", "fmr", required=("a", "b"), json=EmbeddingPair),
)
async def verify(request: Request, visitor: ApiUploader) -> VerificationOut:
    """Says whether two photos, or two ready embeddings, are of one person."""
    state = state_of(request)
    if _is_json(request):
        pair = await read_json(request, EmbeddingPair)
        result = await state.photo_work.run(
            state.engine.verify_embeddings, _embeddings(pair.a), _embeddings(pair.b), fmr=pair.fmr
        )
        return VerificationOut.model_validate(result.to_dict())
    form = await read_form(request, photos=2)
    a, b = form.photo("a"), form.photo("b")
    result = await state.photo_work.run(
        state.engine.verify,
        a.open(),
        b.open(),
        largest=form.flag("largest"),
        fmr=_rate(form, "fmr", default=1e-3),
    )
    return VerificationOut.model_validate(result.to_dict() | {"images": (a.name, b.name)})


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "application/json"


def _embeddings(given: EmbeddingIn) -> Embeddings:
    with np.errstate(over="ignore"):
        vector = np.asarray(given.embedding, dtype=np.float32)
    return Embeddings(vector[None], given.model_id)


def _rate(form: Form, name: str, *, default: float) -> float:
    value = _number(form, name, float, default)
    if not 0 < value < 1:
        raise InputError(f"The field {name} is a rate between 0 and 1, got {value}.")
    return value


def _count(form: Form, name: str, *, default: int) -> int:
    value = _number(form, name, int, default)
    if not 1 <= value <= _MAX_CANDIDATES:
        raise InputError(f"The field {name} goes from 1 to {_MAX_CANDIDATES}, got {value}.")
    return value


def _number(form: Form, name: str, kind: type[NumberT], default: NumberT) -> NumberT:
    text = form.text(name)
    try:
        return kind(text) if text else default
    except ValueError as error:
        raise InputError(f"The field {name} must be a number, got {text!r}.") from error
