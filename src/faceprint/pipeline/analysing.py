"""From found faces to what is told of them besides who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from faceprint.attributes import AttributeEstimates, AttributeModel
from faceprint.attributes.records import age_band, merged
from faceprint.errors import LicenceRefusedError, MissingExtraError, WeightsMissingError
from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge, Looks, Pose
from faceprint.pipeline.face_choice import LIVENESS
from faceprint.pipeline.models import Models
from faceprint.pipeline.results import Detection
from faceprint.quality import measure_quality
from faceprint.types import Face, FloatArray, Image

if TYPE_CHECKING:
    from faceprint.pipeline.segmenting import FaceParts, Segmentation

__all__ = ["CropKind", "analyse_faces", "attributes_here"]

CropKind = tuple[str, int]
"""Alignment and side of crops, pixels."""

_QUALITY: Final[CropKind] = ("arcface-112", 112)
"""Of the crops that quality is measured on."""

_ALL: Final = Looks()

_NO_LIVENESS: Final = (
    "No test of liveness is on this machine. Get one: faceprint models pull "
    + " or ".join(LIVENESS)
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of all N faces of some photos.

    Attributes:
        pose: (N, 3) float32 degrees, NaN where it is not known.
        liveness: (N,) float32, NaN where it is not known.
        segmented: What the pixels of each photo show; None where that was not asked for.
        said: None where nothing estimates.
        by: As in `Analysis`.
        notes: As in `Analysis`.
    """

    pose: FloatArray
    liveness: FloatArray
    segmented: Sequence[Segmentation | None]
    said: AttributeEstimates | None
    by: Mapping[str, str]
    notes: Mapping[str, str]

    def analysis(self, photo: Detection, number: int, rows: slice, crops: Image) -> Analysis:
        """What is told of one photo, without the names of what estimated.

        Args:
            photo: With its faces.
            number: Of the photo.
            rows: Of its faces.
            crops: Of all faces.
        """
        shown = self.segmented[number]
        parts = [None] * len(photo.faces) if shown is None else shown.parts
        faces = (
            self._face(face, row, part)
            for face, row, part in zip(
                photo.faces, range(rows.start, rows.stop), parts, strict=True
            )
        )
        return Analysis(photo, tuple(faces), (), shown, crops[rows], self.by, self.notes)

    def _face(self, face: Face, row: int, parts: FaceParts | None) -> AnalysedFace:
        said, turned, alive = self.said, self.pose[row], float(self.liveness[row])
        female = None if said is None else said.female_probability
        emotion = None if said is None else said.emotion
        return AnalysedFace(
            face,
            age=None if said is None else _age(said, row),
            female_probability=None if female is None else float(female[row]),
            emotion=_emotion(() if said is None else said.emotions, emotion, row),
            pose=Pose(*map(float, turned)) if np.isfinite(turned).all() else None,
            liveness=alive if np.isfinite(alive) else None,
            parts=parts,
        )


def attributes_here(
    models: Models, names: Sequence[str] = (), *, automatic: bool
) -> tuple[tuple[AttributeModel, ...], Mapping[str, str]]:
    """The attribute models to ask, or why there are none.

    Args:
        models: Load them.
        names: Card names; those of the settings unless given.
        automatic: Whether the settings leave the choice to what is here: then none may be.

    Returns:
        The models, and notes for `Analysis.notes`.

    Raises:
        ModelError: One that is named cannot be had or run.
    """
    try:
        return models.attribute_models(names), MappingProxyType({})
    except (WeightsMissingError, LicenceRefusedError) as error:
        if names or not automatic:
            raise
        return (), MappingProxyType({"appearance": str(error)})


def analyse_faces(
    models: Models,
    attributes: Sequence[AttributeModel],
    found: Sequence[Detection],
    *,
    detector: str,
    located: bool = False,
    looks: Looks = _ALL,
    crops: Mapping[CropKind, Image] = MappingProxyType({}),
) -> list[Analysis]:
    """What is told of the faces of some photos, of all of them in one go.

    Args:
        models: Locate landmarks, cut faces out, and tell the rest.
        attributes: The models of age, gender and emotion; see `faceprint.attributes.records.merged`.
        found: The faces of each photo. Quality that has been measured stays.
        detector: Card name of what found them.
        located: Whether they have the landmarks already that `Models.all_with_landmarks` gives.
        looks: What is wanted.
        crops: Crops of all these faces that have been cut already, (N, S, S, 3) uint8 RGB.

    Raises:
        ModelError: A model cannot be had or run; a test of liveness that is not here, or whose weights have
            yet to be converted, is only noted.
    """
    photos, placed = [one.pixels for one in found], [one.faces for one in found]
    if not located:
        placed = models.all_with_landmarks(photos, placed, alignment=_QUALITY[0])
    asked = tuple(attributes) if looks.appearance else ()
    # Models that take the same crops share them.
    kinds = {_QUALITY, *((one.alignment, one.crop_size_px) for one in asked)} - crops.keys()
    cut = {kind: _cut(models, photos, placed, kind) for kind in kinds} | dict(crops)
    ends = np.cumsum([0, *map(len, placed)]).tolist()
    rows = [slice(*ends[k : k + 2]) for k in range(len(found))]
    weighed = _weighed(placed, cut[_QUALITY], detector=detector)
    seen = [replace(one, faces=weighed[row]) for one, row in zip(found, rows, strict=True)]
    said = [one.predict(cut[one.alignment, one.crop_size_px]) for one in asked]
    told = _Teller(models, seen, looks).tell(merged(said) if said else None)
    names = tuple(model.model_id for model in asked)
    return [
        replace(told.analysis(one, number, row, cut[_QUALITY]), models=names)
        for number, (one, row) in enumerate(zip(seen, rows, strict=True))
    ]


class _Teller:
    """Asks the models that look at whole photos; notes which did, and what could not be told."""

    def __init__(self, models: Models, seen: Sequence[Detection], looks: Looks) -> None:
        self._models, self._seen, self._looks = models, seen, looks
        self._photos = [one.pixels for one in seen]
        self._faces = [one.faces for one in seen]
        self._count = sum(map(len, self._faces))
        self._by: dict[str, str] = {}
        self._notes: dict[str, str] = {}

    def tell(self, said: AttributeEstimates | None) -> _Told:
        """All of it, beside what attribute models said."""
        return _Told(
            self._poses(),
            self._liveness(),
            self._segmentations(),
            said,
            MappingProxyType(self._by),
            MappingProxyType(self._notes),
        )

    def _poses(self) -> FloatArray:
        if not self._looks.pose:
            return np.full((self._count, 3), np.nan, np.float32)
        pose = self._models.pose
        self._by["pose"] = pose.name
        if not self._count:
            return np.zeros((0, 3), np.float32)
        return np.concatenate(pose.estimate(self._photos, self._faces))

    def _liveness(self) -> FloatArray:
        unknown = np.full(self._count, np.nan, np.float32)
        if not self._looks.liveness:
            return unknown
        try:
            model = self._models.liveness
        except MissingExtraError as error:
            self._notes["liveness"] = str(error)
            return unknown
        if model is None:
            self._notes["liveness"] = _NO_LIVENESS
            return unknown
        self._by["liveness"] = model.name
        return np.concatenate(model.score(self._photos, self._faces)) if self._count else unknown

    def _segmentations(self) -> Sequence[Segmentation | None]:
        if not self._looks.parts:
            return [None] * len(self._seen)
        # Parsers take time to import, and most analyses need none.
        from faceprint.pipeline.segmenting import segment_faces

        self._by["parts"] = self._models.parser.model_id
        return segment_faces(self._models, self._seen, located=True)


def _cut(
    models: Models, photos: Sequence[Image], placed: Sequence[tuple[Face, ...]], kind: CropKind
) -> Image:
    """The crops of all faces of all photos: (N, S, S, 3) uint8 RGB."""
    return np.concatenate(
        [
            models.cut(photo, faces, alignment=kind[0], size_px=kind[1])
            for photo, faces in zip(photos, placed, strict=True)
        ]
    )


def _weighed(
    placed: Sequence[tuple[Face, ...]], crops: Image, *, detector: str
) -> tuple[Face, ...]:
    faces = [face for some in placed for face in some]
    if all(face.quality is not None for face in faces):
        return tuple(faces)
    return tuple(measure_quality(faces, crops, detector=detector))


def _age(said: AttributeEstimates, row: int) -> EstimatedAge | None:
    if said.age_years is None:
        return None
    years = float(said.age_years[row])
    if said.age_interval is None:
        return EstimatedAge(years, None, None, age_band(years))
    # A mean may lie outside the quantiles of a skewed distribution.
    low, high = min(years, float(said.age_interval[row, 0])), float(said.age_interval[row, 1])
    return EstimatedAge(years, low, max(years, high), age_band(years))


def _emotion(
    names: tuple[str, ...], shares: FloatArray | None, row: int
) -> MappingProxyType[str, float]:
    if shares is None:
        return MappingProxyType({})
    order = np.argsort(-shares[row], kind="stable")
    return MappingProxyType({names[k]: float(shares[row, k]) for k in order})
