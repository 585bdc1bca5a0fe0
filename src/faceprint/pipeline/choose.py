"""Which face of a photo is meant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceprint.errors import FaceCountError, InputError
from faceprint.pipeline.results import Detection

__all__ = ["central_face", "choose_face", "choose_faces"]


def choose_face(detection: Detection, *, largest: bool = False, face: int | None = None) -> int:
    """Index of the face that is meant.

    Args:
        detection: The photo's faces.
        largest: Take the one with the largest box.
        face: Take that one, from 0.

    Raises:
        FaceCountError: There is no face, or there are several and nothing says which.
        InputError: There is no face of that number.
    """
    count = len(detection.faces)
    if count == 0:
        raise FaceCountError(
            f"No face was found in {detection.image}. Use a photo in which the face is upright, lit "
            "and at least about 20 pixels wide.",
            found=0,
        )
    if face is not None:
        if not 0 <= face < count:
            raise InputError(
                f"{detection.image} shows {count} faces, numbered 0 to {count - 1}; there is no face "
                f"{face}."
            )
        return face
    if count > 1 and not largest:
        raise FaceCountError(
            f"{detection.image} shows {count} faces, and one was expected. Crop the photo, or ask for "
            "the largest face (--largest, largest=True); to enrol, the number of the face will do too "
            f"(--face, face=0 to {count - 1}, as detect counts them).",
            found=count,
        )
    return int(np.argmax([f.area for f in detection.faces])) if largest else 0


def choose_faces(detections: Sequence[Detection], *, largest: bool = False) -> list[int]:
    """The face that is meant in each photo.

    Raises:
        FaceCountError: A photo shows no face or several; the message names each such photo.
    """
    chosen: list[int] = []
    errors: list[FaceCountError] = []
    for detection in detections:
        try:
            chosen.append(choose_face(detection, largest=largest))
        except FaceCountError as error:
            errors.append(error)
    if errors:
        raise FaceCountError(" ".join(map(str, errors)), found=errors[0].found)
    return chosen


def central_face(detection: Detection) -> int | None:
    """Index of the face nearest the middle of the photo, as LFW's labels mean it; None for no face."""
    if not detection.faces:
        return None
    boxes = np.stack([face.box for face in detection.faces])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = np.linalg.norm(middles - np.array([detection.width, detection.height]) / 2, axis=1)
    return int(np.argmin(away / np.sqrt(np.maximum(boxes[:, 2] - boxes[:, 0], 1))))
