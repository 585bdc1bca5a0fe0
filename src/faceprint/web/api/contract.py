"""What OpenAPI must be told by hand: bodies that the routes read themselves, and the errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from faceprint.web.api.schemas import EmbeddingPair, EmbeddingProbe, ErrorOut

__all__ = ["ERRORS", "FORM_FIELDS", "document", "form_body"]

_SCHEMAS = "#/components/schemas/"

_MEANINGS = {
    401: "The key is missing or wrong.",
    403: "Refused: a foreign origin, a missing CSRF token, or something that this app does not do.",
    404: "No such person, job or file.",
    413: "Too many bytes or pixels.",
    415: "Not an image that can be read here.",
    422: "Something in the request cannot be used; the message says what.",
    503: "Busy, or the gallery is unavailable. Retry-After says when to try again.",
}

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut, "description": meaning} for status, meaning in _MEANINGS.items()
}
"""The error answers of every route."""

_FILE = {"type": "string", "format": "binary"}

FORM_FIELDS: dict[str, dict[str, Any]] = {
    "photo": _FILE | {"description": "A photo: JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF."},
    "a": _FILE | {"description": "One photo."},
    "b": _FILE | {"description": "The other photo."},
    "photos": {"type": "array", "items": _FILE, "description": "One or more photos of the person."},
    "thorough": {"type": "boolean", "description": "Look for very small faces too."},
    "parts": {"type": "boolean", "description": "Tell the parts of heads apart too; slow."},
    "appearance": {
        "type": "boolean",
        "description": "Estimate age, gender and emotion; by default where this app does so.",
    },
    "largest": {"type": "boolean", "description": "Take the largest face where there are several."},
    "fpir": {"type": "number", "description": "False positive identification rate, default 0.01."},
    "fmr": {"type": "number", "description": "False match rate, default 0.001."},
    "top_k": {"type": "integer", "description": "How many candidates, 1 to 50, default 5."},
    "format": {"type": "string", "enum": ["jpeg", "png"], "description": "Of the answer."},
    "name": {"type": "string", "description": "A name that exists once adds to that person."},
    "new": {"type": "boolean", "description": "Make another person even if the name exists."},
    "face": {"type": "integer", "description": "Which face, from 0 in the order of detect."},
    "keep": {
        "type": "string",
        "enum": ["crop", "photo", "nothing"],
        "description": "Default crop.",
    },
    "notes": {"type": "string"},
    "consent": {"type": "string", "description": "What the person agreed to."},
    "document": _FILE | {"description": "The consent as a file."},
    "purpose": {"type": "string", "description": "What the templates may be used for."},
    "expires": {"type": "string", "description": "A date, as in 2030-12-31."},
    "person_id": {"type": "string", "description": "Add to this person instead."},
    "video": _FILE | {"description": "A video: MP4, MOV, WebM, MKV, AVI and others."},
    "start": {"type": "string", "description": "Where to begin, as in 90 or 1:30."},
    "end": {"type": "string", "description": "Where to end."},
    "every": {"type": "integer", "description": "Detect in every n-th frame, from 1."},
    "labelled": {
        "type": "boolean",
        "description": "Write the video with names over it; default true.",
    },
    "how": {
        "type": "string",
        "enum": ["blur", "pixelate", "mask"],
        "description": "How faces are hidden, default blur.",
    },
    "whom": {
        "type": "string",
        "enum": ["everyone", "except-enrolled", "only-enrolled"],
        "description": "Whose faces are hidden, default everyone's.",
    },
    "people": {
        "type": "string",
        "description": "Names or ids, one a line: of the enrolled, these alone are meant.",
    },
    "recorded_by": {"type": "string", "description": "Who recorded the consent."},
}


def form_body(
    *fields: str,
    required: tuple[str, ...] = (),
    json: type[BaseModel] | None = None,
    own: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The OpenAPI request body of a multipart form, and of a JSON alternative.

    Args:
        fields: Of `FORM_FIELDS`.
        required: Those of them that must be there.
        json: The shape of a JSON body that may come instead.
        own: Fields that mean something else, or only something, to this route.
    """
    properties = {name: FORM_FIELDS[name] for name in fields} | dict(own)
    schema = {"type": "object", "properties": properties, "required": list(required)}
    content: dict[str, Any] = {"multipart/form-data": {"schema": schema}}
    if json is not None:
        content["application/json"] = {"schema": {"$ref": f"{_SCHEMAS}{json.__name__}"}}
    return {"requestBody": {"required": True, "content": content}}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app, with the bodies that the routes read themselves."""
    described: dict[str, Any] = app.openapi()
    _, bodies = models_json_schema(
        [(EmbeddingProbe, "validation"), (EmbeddingPair, "validation")],
        ref_template=_SCHEMAS + "{model}",
    )
    described["components"]["schemas"].update(bodies["$defs"])
    return described
