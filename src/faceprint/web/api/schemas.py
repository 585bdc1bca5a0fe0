"""The shapes of the API's bodies, so that OpenAPI can say them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from faceprint.gallery.records import Consent, EraseReceipt, Person, Template

__all__ = [
    "AnalysisOut",
    "ConsentIn",
    "ConsentOut",
    "DetectionOut",
    "EmbeddedPhotoOut",
    "EmbeddingIn",
    "EmbeddingPair",
    "EmbeddingProbe",
    "EnrolmentOut",
    "EraseOut",
    "ErrorOut",
    "HealthOut",
    "IdentificationOut",
    "MergeIn",
    "ModelsOut",
    "NamedEmbeddingOut",
    "NamedEmbeddingsOut",
    "PeopleOut",
    "PersonDetailOut",
    "PersonIn",
    "PersonOut",
    "SegmentationOut",
    "TemplateOut",
    "VerificationOut",
]

Finite = Annotated[float, Field(allow_inf_nan=False)]
Point = tuple[float, float]
Box = tuple[float, float, float, float]

_PROBABILITY = (
    "That it is this person, where as many probes are of strangers as of enrolled people; null where "
    "nobody is enrolled or the model has no calibration."
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="Stable, for machines.", examples=["face_count"])
    message: str = Field(description="For people: what was expected, what came, what to do next.")


class ErrorOut(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class PlaceOut(BaseModel):
    """Where a face is."""

    box: Box = Field(description="x1, y1, x2, y2 in pixels of the upright photo.")
    landmarks: list[Point] | None = Field(
        description="Right eye, left eye, nose, right and left mouth corner, the subject's own."
    )
    quality: float | None = Field(None, description="How well it can be compared, 0 to 1.")


class FaceOut(PlaceOut):
    """One face in a photo."""

    score: float = Field(description="Detector score, 0 to 1.")


class DetectionOut(BaseModel):
    """The faces of one photo."""

    image: str
    width: int
    height: int
    faces: list[FaceOut]


class AgeOut(BaseModel):
    """How old a face looks."""

    years: float
    low: float | None = Field(description="Lower end of the interval; null where there is none.")
    high: float | None = Field(
        description="Upper end: the age lies between with a probability of 80 % by the model's own account."
    )
    band: str = Field(examples=["30 to 39 years"])


class AppearanceOut(BaseModel):
    """How a face looks in this photo: estimates, not facts about a person; null for what is not estimated."""

    age: AgeOut | None
    female_probability: float | None = Field(
        description="That it looks like a woman's; for a man's it is one less that."
    )
    emotion: dict[str, float] | None = Field(
        description="The probability that it looks like each emotion, likeliest first."
    )


class PoseOut(BaseModel):
    """Where a head looks, degrees; all 0 for a level head that looks into the camera."""

    yaw: float = Field(description="Grows as the head turns towards the right of the photo.")
    pitch: float = Field(description="Grows as it looks up.")
    roll: float = Field(description="Grows as it tilts clockwise in the photo.")


class PartsOut(BaseModel):
    """What the pixels of a head show."""

    areas: dict[str, float] = Field(
        description="Share of the head's pixels that each part takes; they add up to 1."
    )
    occlusion: float = Field(
        description="Share of the face that shows something else: a mask, a hand, hair; 0 to 1."
    )


class AnalysedFaceOut(FaceOut):
    """One face and what is told of it."""

    pose: PoseOut | None = Field(description="Null where it cannot be told.")
    liveness: float | None = Field(
        description="1 for a person before the camera, 0 for a photo of a photo; null where no test is here."
    )
    parts: PartsOut | None = Field(description="Null unless asked for.")
    appearance: AppearanceOut | None = Field(
        description="Null where it was not estimated; notes say why."
    )


class AnalysisOut(BaseModel):
    """The faces of one photo and what is told of them; nobody is identified."""

    image: str
    width: int
    height: int
    faces: list[AnalysedFaceOut]
    models: list[str] = Field(description="Model ids of what estimated age, gender and emotion.")
    by: dict[str, str] = Field(description="What told pose, liveness and parts.")
    notes: dict[str, str] = Field(
        description="What could not be told, as liveness or appearance, and why."
    )


class SegmentedFaceOut(FaceOut, PartsOut):
    """One face and what its head shows."""


class SegmentationOut(BaseModel):
    """What the heads of one photo show."""

    image: str
    width: int
    height: int
    faces: list[SegmentedFaceOut]
    model: str = Field(description="Id of the parser.")


class EmbeddedFaceOut(FaceOut):
    """One face with its embedding."""

    embedding: list[float] = Field(description="L2 norm 1; comparable within one model_id alone.")


class EmbeddedPhotoOut(BaseModel):
    """The faces of one photo with their embeddings."""

    image: str
    width: int
    height: int
    faces: list[EmbeddedFaceOut]
    model_id: str


class CandidateOut(BaseModel):
    """One enrolled person that a face was compared with."""

    person_id: str
    name: str
    score: float = Field(description="Cosine similarity, -1 to 1.")
    probability: float | None = Field(description=_PROBABILITY)


class NamedEmbeddingOut(BaseModel):
    """Who an embedding is."""

    name: str | None = Field(description="Null unless the decision is match.")
    person_id: str | None
    decision: str | None = Field(
        description="match, unsure or unknown; null where the model has no calibration."
    )
    score: float | None = Field(description="To the best candidate; null if nobody is enrolled.")
    probability: float | None = Field(description=_PROBABILITY)
    candidates: list[CandidateOut]


class LimitOut(BaseModel):
    """What was decided with; null where nobody is enrolled or the model has no calibration."""

    threshold: float | None
    threshold_asked_fmr: float | None = Field(description="Asked of one comparison.")
    threshold_fmr: float | None = Field(description="What the data promises at the threshold.")
    threshold_supported: bool | None = Field(description="Whether that is what was asked for.")
    threshold_extrapolated: bool | None = Field(
        description="The threshold is an estimate beyond the calibration data."
    )
    threshold_estimated_fmr: float | None = Field(description="What it is estimated to stand for.")


class NamedEmbeddingsOut(LimitOut):
    """Who the embeddings of a request are."""

    results: list[NamedEmbeddingOut]
    fpir: float | None = Field(description="False positive identification rate that was asked for.")
    fmr: float | None = Field(
        description="False match rate of one comparison, if asked for instead."
    )
    model: str


class IdentifiedFaceOut(PlaceOut, NamedEmbeddingOut):
    """One face and who it is."""


class IdentificationOut(LimitOut):
    """The faces of one photo and who they are."""

    image: str
    width: int
    height: int
    faces: list[IdentifiedFaceOut]
    fpir: float | None = Field(description="False positive identification rate that was asked for.")
    fmr: float | None = Field(
        description="False match rate of one comparison, if asked for instead."
    )
    model: str


class VerificationOut(LimitOut):
    """Whether two faces are of one person."""

    same: bool | None = Field(description="Null where the model has no calibration.")
    decision: str | None = Field(description="match, unsure or unknown; null as above.")
    score: float = Field(description="Cosine similarity, -1 to 1.")
    probability: float | None = Field(
        description="That they are one person, where half of such pairs are; null as above."
    )
    fmr: float | None = Field(description="As threshold_fmr.")
    model: str
    images: tuple[str, str]


class EmbeddingIn(_Body):
    """An embedding that a device made itself, so that the photo stays there."""

    embedding: list[Finite] = Field(min_length=1, max_length=4096)
    model_id: str = Field(max_length=200, description="As GET /api/v1/models names it.")


class EmbeddingProbe(EmbeddingIn):
    """An embedding to search for, and how."""

    fpir: float = Field(0.01, gt=0, lt=1, description="False positive identification rate.")
    fmr: float | None = Field(
        None, gt=0, lt=1, description="Decide each comparison at this false match rate instead."
    )
    top_k: int = Field(5, ge=1, le=50, description="How many candidates to give.")


class EmbeddingPair(_Body):
    """Two embeddings to compare, and how."""

    a: EmbeddingIn
    b: EmbeddingIn
    fmr: float = Field(1e-3, gt=0, lt=1, description="False match rate to decide at.")


class FailureOut(BaseModel):
    """One photo that could not be used."""

    image: str
    error: ErrorDetail


class EnrolmentOut(BaseModel):
    """What an enrolment did."""

    person_id: str
    name: str
    created: bool
    templates_added: int
    already_enrolled: int
    templates: int
    warnings: list[str]
    failures: list[FailureOut]


class ConsentIn(_Body):
    """A consent record to add."""

    text: str = Field(min_length=1, max_length=10_000)
    purpose: str = Field("Recognise this person in photos", max_length=200)
    expires: str | None = Field(None, max_length=40, examples=["2030-12-31"])
    recorded_by: str | None = Field(None, max_length=200)


class ConsentOut(BaseModel):
    """A consent record."""

    text: str
    purpose: str
    given_at: datetime
    recorded_by: str
    expires_at: datetime | None
    document_name: str | None

    @classmethod
    def of(cls, consent: Consent) -> ConsentOut:
        """The record for JSON, without the document's bytes."""
        return cls(
            text=consent.text,
            purpose=consent.purpose,
            given_at=consent.given_at,
            recorded_by=consent.recorded_by,
            expires_at=consent.expires_at,
            document_name=consent.document_name,
        )


class PersonOut(BaseModel):
    """Somebody enrolled."""

    person_id: str
    name: str
    notes: str
    created_at: datetime
    templates: int
    consents: list[ConsentOut]

    @classmethod
    def fields_of(cls, person: Person) -> dict[str, Any]:
        """The fields of a person."""
        return {
            "person_id": person.person_id,
            "name": person.name,
            "notes": person.notes,
            "created_at": person.created_at,
            "templates": person.template_count,
            "consents": [ConsentOut.of(consent) for consent in person.consents],
        }

    @classmethod
    def of(cls, person: Person) -> PersonOut:
        """The record for JSON."""
        return cls(**cls.fields_of(person))


class TemplateOut(BaseModel):
    """One enrolled face, without its vector."""

    template_id: str
    model_id: str
    detector: str
    source: str
    source_digest: str
    box: Box
    quality: float
    created_at: datetime
    picture: str | None = Field(description="Path of the kept picture; null if none is kept.")

    @classmethod
    def of(cls, template: Template) -> TemplateOut:
        """The record for JSON."""
        digest = template.picture_digest
        path = f"/api/v1/people/{template.person_id}/pictures/{digest}"
        x1, y1, x2, y2 = (float(side) for side in template.box)
        return cls(
            template_id=template.template_id,
            model_id=template.model_id,
            detector=template.detector,
            source=template.source,
            source_digest=template.source_digest,
            box=(x1, y1, x2, y2),
            quality=template.quality,
            created_at=template.created_at,
            picture=None if digest is None else path,
        )


class PersonDetailOut(PersonOut):
    """Somebody enrolled, with the enrolled faces."""

    faces: list[TemplateOut]


class PeopleOut(BaseModel):
    """A page of the people enrolled, by name."""

    total: int
    people: list[PersonOut]


class PersonIn(_Body):
    """What may be changed of a person; what is absent stays."""

    name: str | None = Field(None, min_length=1, max_length=200)
    notes: str | None = Field(None, max_length=5000)


class MergeIn(_Body):
    """The person to merge into the one in the path."""

    from_id: str = Field(max_length=100)


class EraseOut(BaseModel):
    """What an erasure removed."""

    person_id: str
    templates: int
    pictures: int
    results: int
    erased_at: datetime

    @classmethod
    def of(cls, receipt: EraseReceipt) -> EraseOut:
        """The record for JSON."""
        return cls(
            person_id=receipt.person_id,
            templates=receipt.templates,
            pictures=receipt.pictures,
            results=receipt.results,
            erased_at=receipt.erased_at,
        )


class HealthOut(BaseModel):
    """That the app answers."""

    status: str
    version: str


class ModelOut(BaseModel):
    """One model in use."""

    name: str
    kind: str
    summary: str
    training_data: str
    code_licence: str
    weights_licence: str
    data_licence: str
    paper: str


class ModelsOut(BaseModel):
    """The models in use."""

    model_id: str = Field(description="What a ready embedding must be of.")
    models: list[ModelOut]
