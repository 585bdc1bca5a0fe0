"""What disturbances look like: one face at each level, as pictures of the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from faceprint.errors import InputError
from faceprint.evaluate.audit.disturbed import Probes
from faceprint.evaluate.audit.slices import Disturbance
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.report.blocks import Picture
from faceprint.evaluate.report.files import writing
from faceprint.evaluate.report.pictures import cut_out
from faceprint.files import write_whole
from faceprint.media import encode_image, read_image
from faceprint.types import Face, Image

__all__ = ["write_samples"]

_QUALITY = 92


def write_samples(
    slices: Sequence[Disturbance], embeddings: PhotoEmbeddings, probes: Probes, folder: Path
) -> dict[str, Picture]:
    """Writes the clearest probe at each level of each disturbance, as small JPEGs.

    Args:
        slices: The disturbances.
        embeddings: Of the clean photos.
        probes: Which of them are made worse.
        folder: Where they go; made if need be.

    Returns:
        By the name of the disturbance.

    Raises:
        OutputError: The disk is full, or the folder may not be written.
        ImageError: The photo cannot be read any more.
    """
    row = max(probes.probes.tolist(), key=lambda row: _clearness(embeddings.faces[row]))
    face = embeddings.faces[row]
    if face is None:
        raise InputError("Samples need a probe that shows a face.")
    photo = read_image(embeddings.photos[row]).pixels
    pictures = {}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for one in slices:
            paths = [folder / f"{one.name}_0.jpg"]
            write_whole(paths[0], _encoded(photo, face))
            for place, level in enumerate(one.levels, 1):
                paths.append(folder / f"{one.name}_{place}.jpg")
                write_whole(paths[-1], _encoded(_like(one.apply(photo, face, level), photo), face))
            pictures[one.name] = Picture(
                photos=tuple(paths),
                boxes=(None,) * len(paths),
                names=("as it is", *(f"{level:g}" for level in one.levels)),
                caption=f"{one.name}: {one.what}",
            )
    return pictures


def _clearness(face: Face | None) -> float:
    return -1.0 if face is None or face.quality is None else face.quality.score


def _like(worse: Image, photo: Image) -> Image:
    """At the size of the photo, with its pixels to be seen."""
    height, width = photo.shape[:2]
    if worse.shape == photo.shape:
        return worse
    found = cv2.resize(worse, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(found, dtype=np.uint8)


def _encoded(photo: Image, face: Face) -> bytes:
    x1, y1, x2, y2 = (float(side) for side in face.box)
    return encode_image(cut_out(photo, (x1, y1, x2, y2)), quality=_QUALITY)
