"""Pictures that go back to a browser: labelled copies, previews, crops."""

from __future__ import annotations

import base64
from pathlib import PurePath

import numpy as np
from fastapi import Request
from PIL import Image as Pillow
from starlette.responses import Response

from faceprint.errors import InputError
from faceprint.gallery.records import Call
from faceprint.media import Mark, draw_faces, encode_image
from faceprint.pipeline.results import Identification
from faceprint.types import Decision, Image
from faceprint.web.forms import Form, Upload
from faceprint.web.gallery import download
from faceprint.web.state import state_of
from faceprint.web.views import face_label

__all__ = ["COLOURS", "PREVIEW_SIDE_PX", "crop_uri", "labelled_answer", "preview_uri"]

PREVIEW_SIDE_PX = 1600
"""Longest side of what is shown of a photo."""

COLOURS: dict[Decision | None, tuple[int, int, int]] = {
    Decision.MATCH: (79, 227, 184),
    Decision.UNSURE: (255, 192, 77),
    Decision.UNKNOWN: (238, 242, 250),
    None: (238, 242, 250),
}
"""As on the page."""


async def labelled_answer(request: Request, form: Form, photo: Upload, *, call: Call) -> Response:
    """The photo with its faces outlined and named, as a download in the form's `format`.

    Raises:
        InputError: The format is neither jpeg nor png.
    """
    kind = form.text("format") or "jpeg"
    if kind not in ("jpeg", "png"):
        raise InputError(f"The field format is jpeg or png, got {kind[:20]!r}.")
    state = state_of(request)

    def label() -> bytes:
        found = state.engine.identify(photo.open(), call=call, thorough=form.flag("thorough"))
        picture = draw_faces(found.detection.pixels, _marks(found))
        return encode_image(picture, format="png" if kind == "png" else "jpeg")

    data = await state.photo_work.run(label)
    stem = PurePath(photo.name).stem or "photo"
    return download(data, f"{stem}-named.{'png' if kind == 'png' else 'jpg'}", f"image/{kind}")


def _marks(found: Identification) -> list[Mark]:
    return [
        Mark(
            box=one.face.box,
            landmarks=None,
            label=face_label(one.who),
            colour=COLOURS[one.decision],
        )
        for one in found.faces
    ]


def preview_uri(pixels: Image) -> str:
    """A photo as a data URI, at most 1600 px on its longer side.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    photo = Pillow.fromarray(pixels)
    photo.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
    return _data_uri(np.asarray(photo), quality=85)


def crop_uri(crop: Image) -> str:
    """An aligned crop as a data URI.

    Args:
        crop: (S, S, 3) uint8 RGB.
    """
    return _data_uri(crop, quality=88)


def _data_uri(pixels: Image, *, quality: int) -> str:
    data = encode_image(pixels, format="jpeg", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
