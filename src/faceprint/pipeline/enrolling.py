"""Enrolment: from photos of one person to templates in the gallery, with warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from faceprint.errors import FaceprintError, InputError
from faceprint.gallery.records import Call, Consent, EnrolReceipt, NewTemplate
from faceprint.media import encode_image, photo_name
from faceprint.pipeline.choose import choose_face
from faceprint.pipeline.decide import search_threshold
from faceprint.pipeline.results import EmbeddedPhoto, Enrolment, Failure
from faceprint.quality import find_faults, measure_quality
from faceprint.types import Face, FloatArray, Photo

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["EnrolRequest", "KeepPicture", "enrol"]

KeepPicture = Literal["crop", "photo", "nothing"]


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """What is asked for; the fields are those of `Faceprint.enrol`."""

    name: str
    consent: Consent | None
    person_id: str | None
    new: bool
    largest: bool
    face: int | Sequence[int] | None
    thorough: bool
    keep: KeepPicture
    notes: str


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    photo: EmbeddedPhoto
    face: Face
    vector: FloatArray


def enrol(
    faceprint: Faceprint, request: EnrolRequest, photos: Sequence[Photo], *, call: Call
) -> Enrolment:
    """See `Faceprint.enrol`."""
    if isinstance(photos, str | bytes):
        raise InputError('Enrolment takes a list of photos, as in ["ada.jpg"].')
    if not len(photos):
        raise InputError("Enrolment needs at least one photo.")
    if request.keep not in get_args(KeepPicture):
        raise InputError(
            f"keep is one of {', '.join(get_args(KeepPicture))}, got {request.keep!r}."
        )
    chosen: list[_Chosen] = []
    failures: list[Failure] = []
    errors: list[FaceprintError] = []
    for photo, face in zip(photos, _faces(request, len(photos)), strict=True):
        try:
            chosen.append(_choose(faceprint, photo, request, face))
        except FaceprintError as error:
            errors.append(error)
            failures.append(Failure.of(photo_name(photo), error))
    if not chosen:
        raise _all_failed(errors)
    vectors = np.stack([item.vector for item in chosen])
    alike = _lookalikes(faceprint, vectors, request, call)
    receipt = faceprint.gallery.enrol(
        [_template(faceprint, item, request.keep) for item in chosen],
        model_id=faceprint.model_id,
        call=call,
        name=None if request.person_id else request.name,
        person_id=request.person_id,
        new=request.new,
        consent=request.consent,
        notes=request.notes,
    )
    warnings = [*_poor(chosen), *_strangers(faceprint, chosen, receipt)]
    warnings += [
        f"{name} ({person_id}), already enrolled, looks like this person: score {score:.2f}. "
        "If they are one, merge them."
        for person_id, (name, score) in alike.items()
        if person_id != receipt.person.person_id
    ]
    return Enrolment(receipt, tuple(failures), tuple(warnings))


def _all_failed(errors: Sequence[FaceprintError]) -> FaceprintError:
    """The first error, with the others beside it."""
    if len(errors) > 1:
        others = " ".join(str(error) for error in errors[1:])
        errors[0].args = (f"No photo could be used. {errors[0]} {others}",)
    return errors[0]


def _faces(request: EnrolRequest, count: int) -> Sequence[int | None]:
    if request.face is None or isinstance(request.face, int):
        return [request.face] * count
    if len(request.face) != count:
        raise InputError(f"Give one face for each of {count} photos, got {len(request.face)}.")
    return request.face


def _choose(faceprint: Faceprint, photo: Photo, request: EnrolRequest, face: int | None) -> _Chosen:
    embedded = faceprint.embed(photo, thorough=request.thorough)
    index = choose_face(embedded.detection, largest=request.largest, face=face)
    one = slice(index, index + 1)
    (measured,) = measure_quality(
        embedded.detection.faces[one],
        embedded.crops[one],
        embedded.embeddings.part(one),
        detector=faceprint.settings.detector,
    )
    return _Chosen(embedded, measured, embedded.embeddings.vectors[index])


def _template(faceprint: Faceprint, item: _Chosen, keep: KeepPicture) -> NewTemplate:
    detection = item.photo.detection
    picture = None
    if keep == "crop":
        picture = encode_image(faceprint.models.picture(detection.pixels, item.face), quality=95)
    elif keep == "photo":
        picture = encode_image(detection.pixels, quality=95)
    return NewTemplate(
        vector=item.vector,
        detector=faceprint.settings.detector,
        source=Path(detection.image).name,
        source_digest=detection.digest,
        box=item.face.box,
        quality=0.0 if item.face.quality is None else item.face.quality.score,
        picture=picture,
        picture_kind="photo" if keep == "photo" else "crop",
    )


def _lookalikes(
    faceprint: Faceprint, vectors: FloatArray, request: EnrolRequest, call: Call
) -> dict[str, tuple[str, float]]:
    """People enrolled already that match at the threshold of a search, by id."""
    templates = faceprint.gallery.template_count(faceprint.model_id)
    threshold = search_threshold(faceprint.models.calibration, fpir=0.01, templates=templates)
    if threshold is None:
        return {}
    check = replace(call, purpose=f"{call.purpose}: duplicates")
    alike: dict[str, tuple[str, float]] = {}
    for candidates in faceprint.gallery.search(
        vectors, model_id=faceprint.model_id, call=check, k=3
    ):
        for candidate in candidates:
            known = alike.get(candidate.person_id, ("", -1.0))[1]
            if candidate.score >= max(threshold.score, known):
                alike[candidate.person_id] = (candidate.name, candidate.score)
    return alike


def _poor(chosen: Sequence[_Chosen]) -> list[str]:
    warnings = []
    for item in chosen:
        quality = item.face.quality
        if quality is not None and (faults := find_faults(quality)):
            warnings.append(
                f"{item.photo.detection.image} is a poor photo to enrol: the face is "
                f"{' and '.join(faults)}. About {_in_hundred(1 - quality.score)} of 100 comparisons with a "
                "good photo would miss. Add a better one if you can."
            )
    return warnings


def _in_hundred(share: float) -> int:
    return min(99, max(1, round(100 * share)))


def _strangers(faceprint: Faceprint, chosen: Sequence[_Chosen], receipt: EnrolReceipt) -> list[str]:
    """Photos that match no other photo of the person, and may show somebody else."""
    calibration = faceprint.models.calibration
    known = faceprint.gallery.vectors(receipt.person.person_id, model_id=faceprint.model_id)
    if calibration is None or len(known) < 2:
        return []
    vectors = np.stack([item.vector for item in chosen])
    others = np.sort(vectors @ known.T, axis=1)[:, -2]  # the best is the photo itself
    lowest = calibration.threshold(1e-3).unsure_score
    return [
        f"{item.photo.detection.image} looks like no other photo of {receipt.person.name}. If it "
        "shows somebody else, erase that person and enrol again."
        for item, best in zip(chosen, others, strict=True)
        if best < lowest
    ]
