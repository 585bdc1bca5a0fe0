"""Euclidean distances of encodings."""

from __future__ import annotations

from numbers import Real

import numpy as np
import numpy.typing as npt

from faceprint.compat.face_recognition.errors import WrongEncodingError, WrongValueError

__all__ = ["compare_faces", "face_distance"]


def face_distance(
    face_encodings: npt.ArrayLike, face_to_compare: npt.ArrayLike
) -> npt.NDArray[np.floating]:
    """How far encodings lie from one.

    Args:
        face_encodings: Encodings, (N, D) or a list of N.
        face_to_compare: One, (D,).

    Returns:
        (N,) Euclidean distances, 0 for the same; none for no encodings.

    Raises:
        EmbeddingError: They are no encodings, or of different lengths; also a ValueError.
    """
    known = _numbers(face_encodings, "The known encodings")
    if known.size == 0 and len(known) == 0:
        return np.empty(0)
    probe = _numbers(face_to_compare, "The encoding to compare")
    length = known.shape[-1]
    if known.ndim != 2 or probe.shape not in ((length,), (1, length), known.shape):
        hint = (
            " Take one of the list that face_encodings gives, as in face_encodings(image)[0]."
            if probe.ndim > 1 or probe.size == 0
            else ""
        )
        raise WrongEncodingError(
            f"Expected encodings of shape (N, D) and one of shape (D,), got {known.shape} and "
            f"{probe.shape}.{hint}"
        )
    distances: npt.NDArray[np.floating] = np.linalg.norm(known - probe, axis=1)
    return distances


def compare_faces(
    known_face_encodings: npt.ArrayLike,
    face_encoding_to_check: npt.ArrayLike,
    tolerance: float = 0.6,
) -> list[np.bool]:
    """Which encodings lie no further from one than the tolerance.

    Args:
        known_face_encodings: Encodings, (N, D) or a list of N.
        face_encoding_to_check: One, (D,).
        tolerance: Largest distance of a match. 0.6 is face_recognition's; smaller is stricter.

    Returns:
        For each known encoding, whether it matches.

    Raises:
        EmbeddingError: As `face_distance`.
        InputError: The tolerance is no number; also a ValueError.
    """
    distances = face_distance(known_face_encodings, face_encoding_to_check)
    allowed: object = tolerance  # NumPy's numbers are no floats to type checkers, but Real
    if not isinstance(allowed, Real):
        raise WrongValueError(f"The tolerance is a number, as 0.6; got {tolerance!r}.")
    return list(distances <= tolerance)


def _numbers(values: npt.ArrayLike, what: str) -> npt.NDArray[np.number]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise WrongEncodingError(f"{what} are of different lengths: {error}.") from error
    if array.dtype.kind not in "fiu" or array.ndim == 0:
        raise WrongEncodingError(
            f"{what} should be numbers, as face_encodings gives; got {type(values).__name__} of "
            f"{array.dtype}."
        )
    return array
