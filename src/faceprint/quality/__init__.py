"""How well a face can be compared, without knowing whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceprint.quality.faults import Fault, find_faults
from faceprint.quality.measures import Measures, measure
from faceprint.quality.scoring import chance, shipped_table
from faceprint.types import Embeddings, Face, Image, Quality

__all__ = ["Fault", "Measures", "find_faults", "measure", "measure_quality"]


def measure_quality(
    faces: Sequence[Face],
    crops: Image,
    embeddings: Embeddings | None = None,
    *,
    detector: str = "yunet",
) -> tuple[Face, ...]:
    """The same faces with their quality.

    Args:
        faces: N faces; without landmarks, size comes from the box, and the face counts as upright and
            turned to the camera.
        crops: (N, S, S, 3) uint8 RGB, their aligned crops.
        embeddings: Theirs, if there are any: of some models the length of the raw vectors tells more than
            all else.
        detector: Card name of what found the faces, whose scores have a scale of their own.
    """
    table = shipped_table()
    measures = measure(faces, crops)
    odds, scoring = table.log_odds(measures, detector), table.plain
    if embeddings is not None and embeddings.lengths is not None:
        fitted = table.embedder(embeddings.model_id)
        if fitted is not None:
            curve, scoring = fitted
            odds["embedding"] = curve.log_odds(embeddings.lengths.astype(np.float64))
    columns = {part: chance(one).tolist() for part, one in odds.items()}
    columns |= {"score": scoring.score(odds).tolist(), "brightness": measures.brightness.tolist()}
    rows = zip(*columns.values(), strict=True)
    return tuple(
        replace(face, quality=Quality(**dict(zip(columns, row, strict=True))))
        for face, row in zip(faces, rows, strict=True)
    )
