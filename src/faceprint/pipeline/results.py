"""What the pipeline gives back: frozen records, each with `to_dict()` for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faceprint.errors import FaceprintError
from faceprint.gallery.records import EnrolReceipt
from faceprint.types import Candidate, Decision, Embeddings, Face, Image, Threshold

__all__ = [
    "Detection",
    "EmbeddedPhoto",
    "Enrolment",
    "Failure",
    "Identification",
    "IdentifiedFace",
    "NamedEmbedding",
    "Verification",
    "limit_dict",
    "rounded",
]

JsonObject = dict[str, Any]


def _face_dict(face: Face) -> JsonObject:
    points = None if face.landmarks is None else np.round(face.landmarks.astype(float), 2).tolist()
    record: JsonObject = {
        "box": np.round(face.box.astype(float), 2).tolist(),
        "score": round(face.score, 4),
        "landmarks": points,
    }
    if face.quality is not None:
        parts = asdict(face.quality)
        record["quality"] = round(parts.pop("score"), 3)
        record["quality_parts"] = {
            name: round(part, 3) for name, part in parts.items() if part is not None
        }
    return record


def rounded(probability: float | None) -> float | None:
    """A probability to three digits, for JSON."""
    return None if probability is None else float(f"{probability:.3g}")


def limit_dict(threshold: Threshold | None) -> JsonObject:
    """What was decided with, and what it stands for, for JSON; all null without a threshold."""
    return {
        "threshold": None if threshold is None else round(threshold.score, 4),
        "threshold_asked_fmr": None if threshold is None else threshold.asked_fmr,
        "threshold_fmr": None if threshold is None else threshold.fmr,
        "threshold_supported": None if threshold is None else threshold.supported,
        "threshold_extrapolated": None if threshold is None else threshold.extrapolated,
        "threshold_estimated_fmr": None if threshold is None else threshold.estimated_fmr,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The faces of one photo.

    Attributes:
        image: What the photo is called.
        width: Of the upright photo, pixels.
        height: Of the upright photo, pixels.
        faces: Largest score first.
        pixels: The decoded photo (H, W, 3) uint8 RGB, for drawing on.
        digest: SHA-256 of the photo, hexadecimal.
    """

    image: str
    width: int
    height: int
    faces: tuple[Face, ...]
    pixels: Image
    digest: str

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {
            "image": self.image,
            "width": self.width,
            "height": self.height,
            "faces": [_face_dict(face) for face in self.faces],
        }


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedPhoto:
    """The faces of one photo with their embeddings.

    Attributes:
        detection: The faces.
        embeddings: (N, D) for the N faces of `detection`, in the same order.
        crops: (N, S, S, 3) uint8 RGB, the aligned crops that were embedded.
    """

    detection: Detection
    embeddings: Embeddings
    crops: Image

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        record = self.detection.to_dict()
        record["model_id"] = self.embeddings.model_id
        for face, vector in zip(record["faces"], self.embeddings.vectors, strict=True):
            face["embedding"] = [round(float(x), 6) for x in vector]
        return record


@dataclass(frozen=True, slots=True)
class NamedEmbedding:
    """Who a ready embedding belongs to.

    Attributes:
        decision: `match`, `unsure` or `unknown`; None where the model has no calibration.
        name: The person's name if `match`, else None.
        person_id: The person's id if `match`, else None.
        score: Cosine similarity to the best candidate; None if nobody is enrolled.
        candidates: The most alike people, best first.
        threshold: What was decided with; None where nobody is enrolled or the model has no calibration.
    """

    decision: Decision | None
    name: str | None
    person_id: str | None
    score: float | None
    candidates: tuple[Candidate, ...]
    threshold: Threshold | None

    @property
    def probability(self) -> float | None:
        """That it is the best candidate; None if nobody is enrolled or the model has no calibration.

        Where as many probes are of strangers as of enrolled people, and each of these comes as often.
        """
        return self.candidates[0].probability if self.candidates else None

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {
            "name": self.name,
            "person_id": self.person_id,
            "decision": self.decision,
            "score": None if self.score is None else round(self.score, 4),
            "probability": rounded(self.probability),
            "candidates": [
                {
                    "person_id": c.person_id,
                    "name": c.name,
                    "score": round(c.score, 4),
                    "probability": rounded(c.probability),
                }
                for c in self.candidates
            ],
        }


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """One face and who it is.

    Attributes:
        face: Where it is.
        who: Who it is.
    """

    face: Face
    who: NamedEmbedding

    @property
    def decision(self) -> Decision | None:
        """`match`, `unsure` or `unknown`; None where the model has no calibration."""
        return self.who.decision

    @property
    def name(self) -> str | None:
        """The person's name if `match`, else None."""
        return self.who.name

    @property
    def person_id(self) -> str | None:
        """The person's id if `match`, else None."""
        return self.who.person_id

    @property
    def score(self) -> float | None:
        """Cosine similarity to the best candidate; None if nobody is enrolled."""
        return self.who.score

    @property
    def probability(self) -> float | None:
        """That it is the best candidate; see `NamedEmbedding.probability`."""
        return self.who.probability

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The most alike people, best first."""
        return self.who.candidates

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return _face_dict(self.face) | self.who.to_dict()


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """The faces of one photo and who they are.

    Attributes:
        embedded: The faces with embeddings and crops.
        faces: In the order of `embedded.detection.faces`.
        threshold: What was decided with; None where nobody is enrolled or the model has no calibration.
        fpir: The false positive identification rate that was asked for.
        fmr: The false match rate of one comparison that was asked for instead, if one was.
    """

    embedded: EmbeddedPhoto
    faces: tuple[IdentifiedFace, ...]
    threshold: Threshold | None
    fpir: float
    fmr: float | None = None

    @property
    def detection(self) -> Detection:
        """The faces without names."""
        return self.embedded.detection

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        record = self.detection.to_dict()
        record["faces"] = [face.to_dict() for face in self.faces]
        record["fpir"] = self.fpir if self.fmr is None else None
        record["fmr"] = self.fmr
        record |= limit_dict(self.threshold)
        record["model"] = self.embedded.embeddings.model_id
        return record


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether two faces are of one person.

    Attributes:
        decision: `match`, `unsure` or `unknown`; None where the model has no calibration.
        score: Cosine similarity, -1 to 1.
        threshold: What was decided with; None where the model has no calibration.
        model_id: The embedding model.
        images: What the two photos are called.
        probability: That they show one person, where as many comparisons are of one person as of two;
            None where the model has no calibration.
    """

    decision: Decision | None
    score: float
    threshold: Threshold | None
    model_id: str
    images: tuple[str, str]
    probability: float | None = None

    @property
    def same(self) -> bool | None:
        """Whether the decision is `match`; None where there is no decision."""
        return None if self.decision is None else self.decision is Decision.MATCH

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {
            "same": self.same,
            "decision": self.decision,
            "score": round(self.score, 4),
            "probability": rounded(self.probability),
            "fmr": None if self.threshold is None else self.threshold.fmr,
            **limit_dict(self.threshold),
            "model": self.model_id,
            "images": list(self.images),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment:
    """What came of enrolling one person from some photos.

    Attributes:
        receipt: What the gallery did.
        failures: Photos that could not be used, with the reason.
        warnings: In plain words: poor photos, somebody else who looks alike.
    """

    receipt: EnrolReceipt
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {
            "person_id": self.receipt.person.person_id,
            "name": self.receipt.person.name,
            "created": self.receipt.created,
            "templates_added": len(self.receipt.template_ids),
            "already_enrolled": self.receipt.already_enrolled,
            "templates": self.receipt.person.template_count,
            "warnings": list(self.warnings),
            "failures": [failure.to_dict() for failure in self.failures],
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """One item of a batch that failed, with its reason.

    Attributes:
        image: What the item is called.
        code: Stable code of the error.
        message: What was expected, what came, what to do.
    """

    image: str
    code: str
    message: str

    @classmethod
    def of(cls, image: str, error: FaceprintError) -> Failure:
        """The record of an error."""
        return cls(image, error.code, str(error))

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {"image": self.image, "error": {"code": self.code, "message": self.message}}
