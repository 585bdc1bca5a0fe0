"""What is trained on, before it is prepared: photos of a source with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

__all__ = ["MEASURES", "PARTS", "IntArray", "Part", "Sample", "Source", "one_part"]

IntArray = npt.NDArray[np.int64]
"""Any int64 array; the docstring of its owner gives the shape."""

Part = Literal["train", "validation", "test"]

PARTS: Final[tuple[Part, ...]] = ("train", "validation", "test")
"""The parts of a split."""

MEASURES: Final = ("width_px", "height_px", "sharpness", "eye_distance_px", "score")
"""What is measured of each photo, NaN where there is nothing to measure: its width and height; the
sharpness of the crop, about -4 for a blur and 0 for a sharp face (see `quality.Measures.detail`); the
distance of the eyes in the photo; the score of the detector."""

_WORDS: Final[Mapping[str, Part]] = MappingProxyType(
    {
        **dict.fromkeys(("train", "training", "devtrain"), "train"),
        **dict.fromkeys(("validation", "valid", "val", "dev", "publictest"), "validation"),
        **dict.fromkeys(("test", "testing", "eval", "privatetest"), "test"),
    }
)


def one_part(word: str) -> Part | None:
    """The part that a publisher means by a word, upper or lower case; None for any other word.

    >>> one_part("PublicTest"), one_part("val"), one_part("people")
    ('validation', 'validation', None)
    """
    return _WORDS.get(word.lower())


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One photo of a source.

    Attributes:
        name: Unique in the source, as in "Aaron_Peirsol/Aaron_Peirsol_0001.jpg".
        path: The photo; None where the source gives pixels.
        pixels: (H, W, 3) uint8 RGB, where the source gives them.
        identity: Who it shows; None where that is not known.
        labels: What else is known: "age" in years, "female" 0 or 1, "emotion" the number of a class,
            CelebA's attributes 0 or 1.
        box: (4,) float32 pixels, where the source gives it.
        landmarks: (5, 2) float32 pixels, the subject's own right eye first, where the source gives them.
        part: Of the publisher's own split; None where there is none.
    """

    name: str
    path: Path | None
    pixels: Image | None = None
    identity: str | None = None
    labels: Mapping[str, float] = field(default_factory=dict)
    box: FloatArray | None = None
    landmarks: FloatArray | None = None
    part: Part | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What a reader gives.

    Attributes:
        kind: "celeba", "lfw", "utkface", "fer2013" or "folders".
        samples: In the order of their names or of the publisher's list.
        classes: Of labels that are numbers of classes, their names, as in "emotion" -> ("angry", …).
        problems: Files that are no photos of it, with the reason.
        terms: Of the data, for the card of what is trained on it.
    """

    kind: str
    samples: tuple[Sample, ...]
    classes: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...]
    terms: Licence
