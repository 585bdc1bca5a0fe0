"""What a live view is analysed with: the models of this machine that can be had, and what cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from faceprint.errors import ModelError, WeightsMissingError
from faceprint.pipeline.analysing import analyse_faces
from faceprint.pipeline.appearance import AnalysedFace, Looks
from faceprint.pipeline.face_choice import LIVENESS
from faceprint.pipeline.live.outlines import Outlines, outline
from faceprint.pipeline.live.parts import Parse
from faceprint.pipeline.results import Detection
from faceprint.quality import measure_quality
from faceprint.types import Face, Image, LivenessModel, PoseEstimator

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint
    from faceprint.pipeline.models import Models

__all__ = ["AnalysisTools", "LiveWishes", "usual_tools"]

Loaded = TypeVar("Loaded")

_QUALITY = ("arcface-112", 112)
"""Alignment and side of the crops that quality is measured on."""

_APPEARANCE_ALONE: Final = Looks(pose=False, liveness=False)

_NO_LIVENESS = (
    "There is no passive liveness check, since the weights of none are on this machine. Get them: faceprint "
    f"models pull {' or '.join(LIVENESS)}"
)


@dataclass(frozen=True, slots=True)
class LiveWishes:
    """What is to be told of the faces of a live view beside pose, quality and liveness.

    Attributes:
        parts: Outlines of hair, face and the like.
        appearance: Age, gender and emotion as they look.
    """

    parts: bool = False
    appearance: bool = False


@dataclass(frozen=True, slots=True)
class AnalysisTools:
    """What a live view is analysed with; None for what cannot be had or is not wished.

    Attributes:
        measure: From a frame and its faces to the same faces with landmarks and quality.
        pose: Estimates head pose.
        liveness: The passive check.
        appear: From a frame and its faces to how each looks.
        parse: From a frame and its faces to the parts of each.
        executor: Where parsing runs; one thread unless given.
        notes: What cannot be had, and why, in plain words.
        clock: Seconds that never go back, to measure how long things take.
    """

    measure: Callable[[Image, tuple[Face, ...]], tuple[Face, ...]]
    pose: PoseEstimator | None = None
    liveness: LivenessModel | None = None
    appear: Callable[[Image, tuple[Face, ...]], Sequence[AnalysedFace]] | None = None
    parse: Parse | None = None
    executor: Executor | None = None
    notes: tuple[str, ...] = ()
    clock: Callable[[], float] = time.perf_counter


def usual_tools(engine: Faceprint, wishes: LiveWishes) -> AnalysisTools:
    """What an engine can tell of what is wished; its models are loaded now.

    What cannot be had is left out and noted: a view goes on without it.
    """
    models, detector = engine.models, engine.settings.detector
    notes: list[str] = []

    def had(load: Callable[[], Loaded]) -> Loaded | None:
        try:
            return load()
        except ModelError as error:
            notes.append(str(error))
            return None

    liveness = had(lambda: models.liveness or _missing(_NO_LIVENESS))
    return AnalysisTools(
        measure=lambda image, faces: _measure(models, detector, image, faces),
        pose=had(lambda: models.pose),
        liveness=liveness,
        appear=had(lambda: _appearance(models, detector)) if wishes.appearance else None,
        parse=had(lambda: _parser(models)) if wishes.parts else None,
        notes=tuple(notes),
    )


def _missing(message: str) -> NoReturn:
    raise WeightsMissingError(message)


def _measure(
    models: Models, detector: str, image: Image, faces: tuple[Face, ...]
) -> tuple[Face, ...]:
    alignment, size_px = _QUALITY
    # Faces that are followed keep the landmarks that they were found with, where there were any.
    if any(face.landmarks is None for face in faces):
        faces = models.with_landmarks(image, faces, alignment=alignment)
    crops = models.cut(image, faces, alignment=alignment, size_px=size_px)
    return measure_quality(faces, crops, detector=detector)


def _appearance(
    models: Models, detector: str
) -> Callable[[Image, tuple[Face, ...]], Sequence[AnalysedFace]]:
    attributes = models.attribute_models()

    def appear(image: Image, faces: tuple[Face, ...]) -> Sequence[AnalysedFace]:
        shown = Detection("frame", image.shape[1], image.shape[0], faces, image, "")
        (found,) = analyse_faces(
            models, attributes, (shown,), detector=detector, located=True, looks=_APPEARANCE_ALONE
        )
        return found.faces

    return appear


def _parser(models: Models) -> Parse:
    parser = models.parser
    # It takes time to import, and most views need none.
    from faceprint.pipeline.segmenting import parse_faces

    def parse(image: Image, faces: tuple[Face, ...]) -> Sequence[Outlines]:
        found = parse_faces(parser, image, faces)
        return [outline(one.labels, left=one.place[0], top=one.place[1]) for one in found]

    return parse
