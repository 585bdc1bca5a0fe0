"""The nouns that every room shares: frozen records over NumPy arrays, and the protocols.

Coordinates are pixels of the upright image, x to the right, y down, (0, 0) the top left corner.
Scores are similarities: a higher score means more alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "Array",
    "Candidate",
    "Decision",
    "Detector",
    "Embedder",
    "Embeddings",
    "Face",
    "FloatArray",
    "Image",
    "Labels",
    "Landmarker",
    "LivenessModel",
    "NamedImage",
    "Parser",
    "Photo",
    "PoseEstimator",
    "Quality",
    "Threshold",
]

Image = npt.NDArray[np.uint8]
"""An upright photo: (H, W, 3) uint8, RGB."""

Labels = npt.NDArray[np.uint8]
"""What pixels show: uint8 indices into `faceprint.parse.CLASSES`."""

FloatArray = npt.NDArray[np.float32]
"""Any float32 array; the docstring of its owner gives the shape."""

Array = npt.NDArray[np.generic]
"""Any array; the docstring of its owner gives shape and dtype."""

Photo = str | Path | bytes | BinaryIO | npt.NDArray[np.generic]
"""What the library takes as a photo: a path, encoded bytes, a binary file object, or an array."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedImage:
    """A decoded photo and what to call it in results.

    Attributes:
        name: The path or the name that the caller gave, else "photo".
        pixels: (H, W, 3) uint8, RGB, upright.
        digest: SHA-256 of the encoded bytes (of the pixels, where an array was given), hexadecimal.
    """

    name: str
    pixels: Image
    digest: str


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one face can be compared; the score and its parts lie in 0 to 1, 1 being best.

    A part is the share of the comparisons with a good photo that still succeed when the face is wanting in
    this alone.

    Attributes:
        score: The chance that a comparison with a good photo of the same person succeeds at an FMR of
            1e-3, as measured on LFW photos, one part as they are and two parts spoilt.
        sharpness: From the coarse detail of the aligned crop.
        size: From the distance between the eyes in the photo.
        frontality: From how far the face is turned to a side, up or down, by its five landmarks.
        confidence: From the detector score.
        uprightness: From how far the line of the eyes is tilted.
        exposure: From the entropy of the grey levels: how much of the range from dark to bright is used.
        brightness: Mean grey level. Neither good nor bad: it tells too dark from too bright.
        embedding: From the length of the embedding before it is scaled; None where that is not known, or
            not known to tell anything.
    """

    score: float
    sharpness: float
    size: float
    frontality: float
    confidence: float
    uprightness: float = 1.0
    exposure: float = 1.0
    brightness: float = 0.5
    embedding: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in an image.

    Attributes:
        box: (4,) float32, x1 y1 x2 y2 in pixels; may reach beyond the image.
        score: Detector score, 0 to 1.
        landmarks: (5, 2) float32 pixels: right eye, left eye, nose, right and left mouth corner, right
            and left being the subject's own; None where the detector has none.
        quality: None until measured.
    """

    box: FloatArray
    score: float
    landmarks: FloatArray | None = None
    quality: Quality | None = None

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return float(self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return float(self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """A batch of embeddings of one model.

    Attributes:
        vectors: (N, D) float32, each row of L2 norm 1.
        model_id: Card name, weight digest and revision of what comes before the network. Only
            embeddings of equal `model_id` may be compared.
        lengths: (N,) float32, L2 norms of the vectors before they were scaled, which some networks make
            larger for faces that they know well; None where they are not known.
    """

    vectors: FloatArray
    model_id: str
    lengths: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    def part(self, rows: slice) -> Embeddings:
        """The embeddings of some rows."""
        lengths = None if self.lengths is None else self.lengths[rows]
        return Embeddings(self.vectors[rows], self.model_id, lengths)


class Decision(StrEnum):
    """What a comparison amounts to.

    `match` is at or above the threshold of the asked rate, `unsure` between the thresholds of ten times
    and one times that rate, `unknown` below both.
    """

    MATCH = "match"
    UNSURE = "unsure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score with the error rate that it stands for.

    Attributes:
        score: Cosine similarity at or above which two faces match.
        unsure_score: The threshold of ten times the rate.
        fmr: The false match rate of one comparison that `score` stands for.
        asked_fmr: The rate that was asked for; smaller than `fmr` where the data cannot support it.
        interval: 95 % confidence interval of `score`.
        model_id: The embedding model it belongs to.
        detector: The detector it belongs to.
        dataset: What it was measured on.
        estimated_fmr: What a score beyond the data is estimated to stand for, by the fitted tail: the
            asked rate, or the strictest that can be estimated. `fmr` alone is promised. None for a score
            within the data.
    """

    score: float
    unsure_score: float
    fmr: float
    asked_fmr: float
    interval: tuple[float, float]
    model_id: str
    detector: str
    dataset: str
    estimated_fmr: float | None = None

    @property
    def extrapolated(self) -> bool:
        """Whether the score lies beyond the data, on the fitted tail."""
        return self.estimated_fmr is not None

    @property
    def supported(self) -> bool:
        """Whether the calibration data can support the rate that was asked for."""
        return self.fmr <= self.asked_fmr * (1 + 1e-9)

    def decide(self, score: float) -> Decision:
        """The decision for one comparison score."""
        if score >= self.score:
            return Decision.MATCH
        return Decision.UNSURE if score >= self.unsure_score else Decision.UNKNOWN


@dataclass(frozen=True, slots=True)
class Candidate:
    """One enrolled person that a probe was compared with.

    Attributes:
        person_id: Stable id of the person.
        name: Name of the person; not unique.
        score: Cosine similarity to the person's nearest template, -1 to 1.
        template_id: That template.
        probability: That the probe shows this person, 0 to 1; None where the model has no calibration.
    """

    person_id: str
    name: str
    score: float
    template_id: str
    probability: float | None = None


class Detector(Protocol):
    """Finds faces. Safe to call from several threads."""

    name: str

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, largest score first; an empty tuple where there is none."""
        ...


class Landmarker(Protocol):
    """Adds the five landmarks to faces whose detector gives only boxes."""

    name: str

    def locate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[tuple[Face, ...]]:
        """The same faces in the same order, each with landmarks."""
        ...


class Embedder(Protocol):
    """Turns aligned crops into embeddings. Safe to call from several threads."""

    name: str
    model_id: str
    dimension: int
    crop_size_px: int
    alignment: str

    def embed(self, crops: Image) -> Embeddings:
        """Embeddings of (N, S, S, 3) uint8 RGB crops, cut as `alignment` says."""
        ...


class Parser(Protocol):
    """Says of every pixel of a crop what part of a head it shows. Safe to call from several threads."""

    name: str
    model_id: str
    crop_size_px: int
    alignment: str
    classes: tuple[str, ...]
    """Those of `faceprint.parse.CLASSES` that it can tell apart; it never answers another."""

    def parse(self, crops: Image) -> Labels:
        """Of (N, S, S, 3) uint8 RGB crops, cut as `alignment` says: (N, S, S) uint8 class numbers."""
        ...


class PoseEstimator(Protocol):
    """Says where heads look. Safe to call from several threads."""

    name: str

    def estimate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[FloatArray]:
        """Yaw, pitch and roll of the K faces of each image: (K, 3) float32 degrees.

        All 0 for a level head that looks into the camera. Yaw grows as the head turns towards the right of
        the image, pitch as it looks up, roll as it tilts clockwise in the image. NaN where a face has no
        landmarks and the estimator needs them.
        """
        ...


class LivenessModel(Protocol):
    """Tells faces of people before the camera from photos of photos. Safe to call from several threads."""

    name: str

    def score(self, images: Sequence[Image], faces: Sequence[Sequence[Face]]) -> list[FloatArray]:
        """Of the K faces of each image: (K,) float32, 0 to 1; 1 for a person before the camera."""
        ...
