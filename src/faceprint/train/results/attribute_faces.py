"""The faces that a network of attributes is most at odds with the labels of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceprint.attributes import AttributeEstimates
from faceprint.evaluate.report import Picture, Pictures, crops_picture
from faceprint.train.results.run import TrainedOn
from faceprint.types import FloatArray

__all__ = ["Attributed", "odd_faces"]

_Ints = npt.NDArray[np.int64]

_SHOWN = 12
_NOTE = "The label may be wrong, or the network."


class Attributed(TrainedOn, Protocol):
    """The part of a prepared dataset that reports of attributes look at."""

    @property
    def labels(self) -> Mapping[str, FloatArray]:
        """Each (N,) float32, NaN where not known."""
        ...


def odd_faces(
    said: AttributeEstimates, labels: Mapping[str, FloatArray], data: Attributed, rows: _Ints
) -> Iterator[Pictures]:
    """Those of the largest errors of age, and of the surest answers that differ from their labels.

    Args:
        said: Of M faces.
        labels: (M,) of "age", "female" and "emotion", as far as there are; NaN where not known.
        data: The dataset.
        rows: (M,) int64, where the faces stand in it.
    """
    if said.age_years is not None and "age" in labels:
        off = np.abs(said.age_years - labels["age"])
        words = [
            f"labelled {age:.0f} years, estimated {guess:.0f}"
            for age, guess in zip(labels["age"], said.age_years, strict=True)
        ]
        yield Pictures("Largest errors of age", _pictures(off, words, data, rows), _NOTE)
    if said.female_probability is not None and "female" in labels:
        off = np.abs(said.female_probability - labels["female"])
        off[off <= 0.5] = np.nan
        words = [
            f"labelled {'female' if sex == 1 else 'male'}, female with {share:.0%}"
            for sex, share in zip(labels["female"], said.female_probability, strict=True)
        ]
        title = "Surest where gender differs from the label"
        yield Pictures(title, _pictures(off, words, data, rows), _NOTE)
    if said.emotion is not None and "emotion" in labels:
        known = ~np.isnan(labels["emotion"])
        truth = np.where(known, labels["emotion"], 0).astype(np.int64)
        told, sure = said.emotion.argmax(axis=1), said.emotion.max(axis=1)
        off = np.where(known & (told != truth), sure, np.nan)
        words = [
            f"labelled {said.emotions[one]}, {said.emotions[other]} with {share:.0%}"
            for one, other, share in zip(truth, told, sure, strict=True)
        ]
        title = "Surest where emotion differs from the label"
        yield Pictures(title, _pictures(off, words, data, rows), _NOTE)


def _pictures(
    off: FloatArray, words: Sequence[str], data: Attributed, rows: _Ints
) -> tuple[Picture, ...]:
    """The faces that are furthest off, NaN being none."""
    order = np.argsort(-np.nan_to_num(off, nan=-np.inf), kind="stable")
    worst = [int(place) for place in order[:_SHOWN] if not np.isnan(off[place])]
    crops = data.read(rows[worst])
    return tuple(
        crops_picture(crops[k : k + 1], [data.names[rows[place]]], words[place])
        for k, place in enumerate(worst)
    )
