"""What measuring a detector gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from faceprint.evaluate.detection.curves import Curve
from faceprint.evaluate.estimates import Estimate, json_number
from faceprint.pipeline.results import Failure

__all__ = ["DetectionResult", "Part", "Pointed"]


@dataclass(frozen=True, slots=True)
class Part:
    """Figures of some of the faces.

    Attributes:
        name: As in "16 to 32 px", "easy" or "con_mascarilla".
        faces: How many count.
        recall: At the product's threshold.
        precision: At the product's threshold; None where finds cannot be told apart like faces.
        average_precision: At IoU 0.5; None for the same reason.
    """

    name: str
    faces: int
    recall: Estimate
    precision: Estimate | None
    average_precision: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "name": self.name,
            "faces": self.faces,
            "recall": self.recall.to_dict(),
            "precision": _dict(self.precision),
            "average_precision": _dict(self.average_precision),
        }


@dataclass(frozen=True, slots=True)
class Pointed:
    """A face that was missed, or a find that is no labelled face.

    Attributes:
        kind: Which of the two.
        photo: The photo.
        name: What the set calls the photo.
        box: x1, y1, x2, y2 in pixels.
        score: Of the find; of a missed face the best score of a doubtful find on it, or None.
        labels: What the set says of a missed face.
        reason: What may have caused it, in plain words; empty if nothing is known.
    """

    kind: Literal["miss", "stray"]
    photo: Path
    name: str
    box: tuple[float, float, float, float]
    score: float | None
    labels: tuple[str, ...]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "kind": self.kind,
            "photo": self.name,
            "box": [round(x, 1) for x in self.box],
            "score": None if self.score is None else round(self.score, 4),
            "labels": list(self.labels),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, eq=False)
class DetectionResult:
    """How a detector does on a labelled set. A find is right at an IoU of 0.5 unless told otherwise.

    Attributes:
        layout: Of the set.
        root: Of the set.
        detector: Card name.
        thorough: Whether it looked for the smallest faces too.
        photos: How many have labels.
        faces: How many labelled faces count.
        ignored: How many are ignored.
        finds: How many the product finds.
        lowest_usual_score: Of these; the threshold that the detector sets itself lies at or below it.
        average_precision: At IoU 0.5.
        mean_average_precision: Mean over IoU 0.5, 0.55 to 0.95.
        recall: Of what the product finds.
        precision: Of what the product finds.
        miss_rates: Wrong finds per photo, and the share of faces missed there; see `allows`.
        recall_at_false: Wrong finds in all, and the share of faces found there.
        sizes: By height of the face.
        subsets: Those that the set defines; a find on another face is ignored.
        labels: By what else the set says of faces.
        official: For each subset, average precision as WIDER FACE's own evaluation has it: at 1,000
            thresholds, and exactly.
        curves: Of all faces and by height.
        misses: The plainest of the missed faces.
        strays: The surest of the finds that are no labelled face.
        miss_causes: How many faces were missed for each cause, most first.
        stray_causes: How many finds are no labelled face, by kind, most first.
        failures: Photos without labels, labels without a photo, photos that cannot be read.
        bad_boxes: Labelled boxes of no area or outside the photo.
    """

    layout: str
    root: Path
    detector: str
    thorough: bool
    photos: int
    faces: int
    ignored: int
    finds: int
    lowest_usual_score: float
    average_precision: Estimate
    mean_average_precision: Estimate
    recall: Estimate
    precision: Estimate
    miss_rates: tuple[tuple[float, Estimate], ...]
    recall_at_false: tuple[tuple[int, float], ...]
    sizes: tuple[Part, ...]
    subsets: tuple[Part, ...]
    labels: tuple[Part, ...]
    official: tuple[tuple[str, float, float], ...]
    curves: Mapping[str, Curve]
    misses: tuple[Pointed, ...]
    strays: tuple[Pointed, ...]
    miss_causes: tuple[tuple[str, int], ...]
    stray_causes: tuple[tuple[str, int], ...]
    failures: tuple[Failure, ...]
    bad_boxes: tuple[Failure, ...]

    def allows(self, wrong_per_photo: float) -> int:
        """How many wrong finds that is in all; 0 where there are too few photos for it."""
        return int(self.photos * wrong_per_photo * (1 + 1e-12))

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values, without the curves."""
        return {
            "layout": self.layout,
            "root": str(self.root),
            "detector": self.detector,
            "thorough": self.thorough,
            "photos": self.photos,
            "faces": self.faces,
            "ignored": self.ignored,
            "finds": self.finds,
            "lowest_usual_score": json_number(self.lowest_usual_score),
            "average_precision": self.average_precision.to_dict(),
            "mean_average_precision": self.mean_average_precision.to_dict(),
            "recall": self.recall.to_dict(),
            "precision": self.precision.to_dict(),
            "miss_rates": [
                {"wrong_per_photo": x, "supported": self.allows(x) > 0, **found.to_dict()}
                for x, found in self.miss_rates
            ],
            "recall_at_false": [
                {"wrong": n, "value": json_number(found)} for n, found in self.recall_at_false
            ],
            "sizes": [part.to_dict() for part in self.sizes],
            "subsets": [part.to_dict() for part in self.subsets],
            "labels": [part.to_dict() for part in self.labels],
            "official": [
                {
                    "subset": name,
                    "average_precision": json_number(value),
                    "exact": json_number(exact),
                }
                for name, value, exact in self.official
            ],
            "miss_causes": dict(self.miss_causes),
            "stray_causes": dict(self.stray_causes),
            "misses": [one.to_dict() for one in self.misses],
            "strays": [one.to_dict() for one in self.strays],
            "failures": [one.to_dict() for one in self.failures],
            "bad_boxes": [one.to_dict() for one in self.bad_boxes],
        }


def _dict(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else found.to_dict()
