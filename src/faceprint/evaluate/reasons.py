"""Why a comparison may have gone wrong, as far as quality and the number of faces suggest."""

from __future__ import annotations

from typing import Final

from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.quality import find_faults
from faceprint.types import Face

__all__ = ["clear", "explain", "pair_quality"]

_PLACES: Final = ("first", "second")
_NAMED = 2
"""How many faults of a face are told: the worst."""

_CLEAR: Final = "both faces are clear"
_LOOK: Final = "both faces are clear: look whether the label is right"


def clear(face: Face | None) -> bool:
    """Whether nothing about a face would explain an error."""
    return face is not None and (face.quality is None or not find_faults(face.quality))


def explain(embeddings: PhotoEmbeddings, first: int, second: int, *, wrong: bool) -> str:
    """What may have spoilt the comparison of two photos, in plain words.

    Args:
        embeddings: Of the photos.
        first: Index of a photo.
        second: Index of another.
        wrong: Whether the comparison went wrong; where nothing explains it, the label may be at fault.
    """
    rows = (first, second)
    missing = [k for k, row in enumerate(rows) if embeddings.faces[row] is None]
    if missing:
        places = " and the ".join(_PLACES[k] for k in missing)
        return f"no face was found in the {places} photo"
    told = []
    for place, row in zip(_PLACES, rows, strict=True):
        face = embeddings.faces[row]
        faults = () if face is None or face.quality is None else find_faults(face.quality)
        if faults:
            told.append(f"the {place} face is {' and '.join(faults[:_NAMED])}")
    told += [
        f"the {place} photo shows {embeddings.face_counts[row]} faces, and another may be meant"
        for place, row in zip(_PLACES, rows, strict=True)
        if embeddings.face_counts[row] > 1
    ]
    if not told:
        return _LOOK if wrong else _CLEAR
    return "; ".join(told)


def pair_quality(embeddings: PhotoEmbeddings, first: int, second: int) -> float:
    """Quality of the worse of two faces, 0 to 1; 0 where there is none, or it was not measured."""
    found = (embeddings.faces[row] for row in (first, second))
    return min(
        0.0 if face is None or face.quality is None else face.quality.score for face in found
    )
