"""What parsers tell apart: the classes of CelebAMask-HQ, in the order that its networks give them.

Lee et al., "MaskGAN: Towards Diverse and Interactive Facial Image Manipulation", CVPR 2020. Right and left
are the subject's own here, as everywhere in faceprint.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CLASSES", "number_of"]

CLASSES: Final = (
    "background",
    "skin",
    "right brow",
    "left brow",
    "right eye",
    "left eye",
    "glasses",
    "right ear",
    "left ear",
    "earring",
    "nose",
    "mouth",
    "upper lip",
    "lower lip",
    "neck",
    "necklace",
    "clothes",
    "hair",
    "hat",
)
"""All classes; a pixel's class is an index into them."""


def number_of(name: str) -> int:
    """The number of a class.

    Raises:
        ValueError: There is none of that name.
    """
    return CLASSES.index(name)
