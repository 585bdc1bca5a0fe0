"""Which find is which labelled face.

Finds are taken best score first, and each takes the face that it overlaps most among those not taken yet, if
by enough: the order of COCO and of Pascal VOC. All finds choose at once here, and where several choose one
face the best keeps it and the others choose again; since every face prefers the better score, this ends in
the same pairs (Gale, Shapley, "College Admissions and the Stability of Marriage", 1962).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["IGNORED", "UNMATCHED", "first_choices", "match_finds"]

IntArray = npt.NDArray[np.intp]

UNMATCHED = -1
"""A find without a face: wrong."""

IGNORED = -2
"""A find on a face that is ignored: neither right nor wrong."""


def match_finds(overlaps: FloatArray, ignored: npt.NDArray[np.bool_], *, iou: float) -> IntArray:
    """The labelled face of each find.

    A find that gets no face that counts, and overlaps an ignored one by enough, is ignored, be there several
    of these.

    Args:
        overlaps: (D, G) float32, IoU of D finds, best score first, with G labelled faces.
        ignored: (G,) bool.
        iou: What is enough.

    Returns:
        (D,) indices of faces, `UNMATCHED` or `IGNORED`.

    >>> overlaps = np.array([[0.6, 0.7], [0.9, 0.8], [0.0, 0.55]], dtype=np.float32)
    >>> match_finds(overlaps, np.array([False, False]), iou=0.5).tolist()
    [1, 0, -1]
    """
    partners = np.full(len(overlaps), UNMATCHED, dtype=np.intp)
    enough = overlaps >= iou
    able = np.flatnonzero((enough & ~ignored).any(axis=1))
    wishes = np.where(enough & ~ignored, overlaps, 0)[able]
    places = np.arange(len(able))
    while len(able):
        choices = wishes.argmax(axis=1)
        asks = wishes[places, choices] > 0
        holders = np.full(overlaps.shape[1], len(able))
        np.minimum.at(holders, choices[asks], places[asks])
        refused = asks & (holders[choices] != places)
        if not refused.any():
            partners[able[asks]] = choices[asks]
            break
        wishes[refused, choices[refused]] = 0
    beside = (enough & ignored).any(axis=1)
    partners[(partners == UNMATCHED) & beside] = IGNORED
    return partners


def first_choices(overlaps: FloatArray, ignored: npt.NDArray[np.bool_], *, iou: float) -> IntArray:
    """The labelled face of each find as WIDER FACE's own evaluation has it.

    A find has one choice, the face that it overlaps most, ignored or not; if a better find has taken that, it
    is wrong.

    Args:
        overlaps: (D, G) float32, IoU of D finds, best score first, with G labelled faces.
        ignored: (G,) bool.
        iou: How much of an overlap is enough.

    Returns:
        (D,) indices of faces, `UNMATCHED` or `IGNORED`.
    """
    partners = np.full(len(overlaps), UNMATCHED, dtype=np.intp)
    if not overlaps.size:
        return partners
    choices = overlaps.argmax(axis=1)
    enough = np.flatnonzero(overlaps.max(axis=1) >= iou)
    _, first = np.unique(choices[enough], return_index=True)
    partners[enough[first]] = choices[enough[first]]
    partners[enough[ignored[choices[enough]]]] = IGNORED
    return partners
