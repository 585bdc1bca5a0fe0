"""What is wrong with a face, in words."""

from __future__ import annotations

from enum import StrEnum

from faceprint.types import Quality

__all__ = ["Fault", "find_faults"]

_WANTING = 0.9
"""A part under it is named: of ten comparisons that would succeed, more than one is lost."""

_POOR = 0.8
"""A score under it says that something is wrong, even where no part says what."""

_DARK, _BRIGHT = 0.33, 0.67
"""Mean grey levels; in between, a face of poor exposure is neither too dark nor too bright but flat."""


class Fault(StrEnum):
    """What is wrong with a face, as in "the face is blurred"."""

    BLURRED = "blurred"
    SMALL = "too small"
    TURNED = "turned away"
    TILTED = "tilted"
    DARK = "too dark"
    BRIGHT = "too bright"
    FLAT = "without contrast"
    UNCLEAR = "hard to make out"


def find_faults(quality: Quality) -> tuple[Fault, ...]:
    """What is wrong with a face, the worst first; nothing for a good one.

    A face that the embedder itself made much of is good, whatever it looks like.

    >>> find_faults(Quality(0.5, sharpness=0.4, size=1, frontality=0.8, confidence=0.9))
    (<Fault.BLURRED: 'blurred'>, <Fault.TURNED: 'turned away'>)
    """
    if quality.embedding is not None and quality.score >= _WANTING:
        return ()
    parts = {
        Fault.BLURRED: quality.sharpness,
        Fault.SMALL: quality.size,
        Fault.TURNED: quality.frontality,
        Fault.TILTED: quality.uprightness,
        _exposure_fault(quality.brightness): quality.exposure,
    }
    named = sorted((fault for fault in parts if parts[fault] < _WANTING), key=parts.__getitem__)
    return tuple(named) or ((Fault.UNCLEAR,) if quality.score < _POOR else ())


def _exposure_fault(brightness: float) -> Fault:
    if brightness < _DARK:
        return Fault.DARK
    return Fault.BRIGHT if brightness > _BRIGHT else Fault.FLAT
