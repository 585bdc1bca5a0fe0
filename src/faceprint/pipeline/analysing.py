"""From found faces to estimates of how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from faceprint.attributes import AttributeEstimates, AttributeModel
from faceprint.attributes.records import age_band, merged
from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge
from faceprint.pipeline.models import Models
from faceprint.pipeline.results import Detection
from faceprint.quality import measure_quality
from faceprint.types import Face, FloatArray

__all__ = ["analyse_faces"]

_QUALITY = ("arcface-112", 112)
"""Alignment and side of the crops that quality is measured on."""


def analyse_faces(
    models: Models,
    attributes: Sequence[AttributeModel],
    found: Sequence[Detection],
    *,
    detector: str,
    located: bool = False,
) -> list[Analysis]:
    """How the faces of some photos look, all of them in one go.

    Args:
        models: Locate landmarks and cut faces out.
        attributes: The models to ask; see `faceprint.attributes.records.merged`.
        found: The faces of each photo.
        detector: Card name of what found them.
        located: Whether they have the landmarks already that `Models.all_with_landmarks` gives.
    """
    photos, placed = [one.pixels for one in found], [one.faces for one in found]
    if not located:
        placed = models.all_with_landmarks(photos, placed, alignment=_QUALITY[0])
    # Models that take the same crops share them.
    crops = {
        kind: np.concatenate(
            [
                models.cut(photo, faces, alignment=kind[0], size_px=kind[1])
                for photo, faces in zip(photos, placed, strict=True)
            ]
        )
        for kind in {_QUALITY, *((one.alignment, one.crop_size_px) for one in attributes)}
    }
    said = [one.predict(crops[one.alignment, one.crop_size_px]) for one in attributes]
    everyone = [face for faces in placed for face in faces]
    weighed = measure_quality(everyone, crops[_QUALITY], detector=detector)
    looks = _looks(weighed, merged(said))
    ends = np.cumsum([len(faces) for faces in placed])
    return [
        Analysis(
            replace(one, faces=weighed[end - len(one.faces) : end]),
            looks[end - len(one.faces) : end],
            tuple(model.model_id for model in attributes),
        )
        for one, end in zip(found, ends, strict=True)
    ]


def _looks(faces: Sequence[Face], said: AttributeEstimates) -> tuple[AnalysedFace, ...]:
    return tuple(
        AnalysedFace(
            face,
            _age(said, row),
            None if said.female_probability is None else float(said.female_probability[row]),
            _emotion(said.emotions, None if said.emotion is None else said.emotion[row]),
        )
        for row, face in enumerate(faces)
    )


def _age(said: AttributeEstimates, row: int) -> EstimatedAge | None:
    if said.age_years is None:
        return None
    years = float(said.age_years[row])
    if said.age_interval is None:
        return EstimatedAge(years, None, None, age_band(years))
    # A mean may lie outside the quantiles of a skewed distribution.
    low, high = min(years, float(said.age_interval[row, 0])), float(said.age_interval[row, 1])
    return EstimatedAge(years, low, max(years, high), age_band(years))


def _emotion(names: tuple[str, ...], shares: FloatArray | None) -> MappingProxyType[str, float]:
    if shares is None:
        return MappingProxyType({})
    order = np.argsort(-shares, kind="stable")
    return MappingProxyType({names[k]: float(shares[k]) for k in order})
