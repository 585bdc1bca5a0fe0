"""Thresholds for what was trained, from people that it was not trained on."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError
from faceprint.evaluate.calibrating import LabelledFaces, calibrate_faces
from faceprint.match import Calibration
from faceprint.train.data import PreparedDataset
from faceprint.types import FloatArray
from faceprint.zoo import ModelCard

__all__ = ["calibration_from"]

log = logging.getLogger(__name__)


def calibration_from(
    vectors: FloatArray,
    identity: npt.NDArray[np.int64],
    *,
    card: ModelCard,
    data: PreparedDataset,
    command: str,
) -> Calibration | None:
    """The calibration of a model from embeddings of people that it was not trained on.

    Every photo is compared with every other. The calibration is for the detector that the photos were
    prepared with, and the steps after it.

    Args:
        vectors: (N, D) float32, of any length but zero.
        identity: (N,) int64, whose photo each is, as numbers of the dataset's people; -1 where that is
            not known.
        card: Of the model, with the digest of its network.
        data: What the photos are of.
        command: What made it, as typed.

    Returns:
        None where the photos do not give one, with the reason in the log: no detector cut them out, or
        there are too few people.
    """
    if not data.detector:
        log.info("No calibration: no detector cut the photos out. Run: faceprint calibrate FOLDER")
        return None
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = identity >= 0
    rows = np.flatnonzero(known)
    faces = LabelledFaces(
        vectors=(vectors / np.maximum(norms, np.finfo(np.float32).tiny))[known],
        people=identity[known],
        names=data.people,
        photos=tuple(f"number {row}" for row in rows),
        failures=(),
    )
    try:
        run = calibrate_faces(
            faces,
            detector=data.detector,
            model_id=card.model_id + data.steps,
            dataset=f"{data.name}, validation part",
            command=command,
        )
    except CalibrationError as error:
        log.info("No calibration: %s", error)
        return None
    return run.calibration
