"""The models that a pipeline uses, loaded at first use and once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from faceprint.align import ALIGNMENTS, BOX_ALIGNMENTS, crop, crop_boxes, crop_mtcnn_boxes
from faceprint.attributes import AttributeModel, load_attributes
from faceprint.detect import (
    Refiner,
    Search,
    SearchPlan,
    load_detector,
    load_landmarker,
    load_refiner,
    lowered,
    watchful,
)
from faceprint.embed import PairHead, load_embedder, load_pair_head
from faceprint.errors import ModelError, WeightsMissingError
from faceprint.liveness import load_liveness
from faceprint.match import Calibration, load_calibration
from faceprint.parse import load_parser
from faceprint.pipeline.attribute_choice import attribute_names
from faceprint.pipeline.face_choice import LIVENESS, PARSERS, best_here
from faceprint.pose import load_pose
from faceprint.runtime import RuntimeOptions
from faceprint.settings import Settings
from faceprint.types import (
    Detector,
    Embedder,
    Face,
    Image,
    Landmarker,
    LivenessModel,
    Parser,
    PoseEstimator,
)
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["Models", "runtime_options", "weight_store"]

Loaded = TypeVar("Loaded")

_PICTURE_PX = 224


def weight_store(settings: Settings) -> WeightStore:
    """The weights of this machine, as the settings say."""
    return WeightStore(
        settings.weights,
        settings.cache,
        offline=settings.offline,
        commercial_only=settings.commercial_only,
    )


def runtime_options(settings: Settings) -> RuntimeOptions:
    """Where networks run, as the settings say."""
    return RuntimeOptions(
        engine=settings.runtime,
        device=settings.device,
        precision=settings.precision,
        threads=settings.threads,
        cache=settings.cache,
    )


class Models:
    """Detector, landmarker, embedder and calibration of some settings. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = weight_store(settings)
        self._options = runtime_options(settings)
        self._lock = threading.Lock()
        self._loaded: dict[str, Any] = {}

    @property
    def workers(self) -> int:
        """How many groups of photos are worked on side by side.

        Twice as many as networks run at once: while some wait for a network, others decode and align.
        """
        return 2 * self._options.workers

    @property
    def _detector(self) -> Detector:
        return self._once(
            "detector",
            lambda: load_detector(self._settings.detector, self._store, self._options),
        )

    @property
    def _landmarker(self) -> Landmarker:
        return self._once(
            "landmarker",
            lambda: load_landmarker(self._settings.landmarker, self._store, self._options),
        )

    @property
    def _refiner(self) -> Refiner:
        return self._once("refiner", lambda: load_refiner(self._store, self._options))

    @property
    def located(self) -> bool:
        """Whether faces that were embedded have the landmarks that models cut out faces by."""
        return self.embedder.alignment not in BOX_ALIGNMENTS

    def _refines_for(self, alignment: str) -> bool:
        rough = self._store.card(self._settings.detector, kind="detector").landmarks == "rough"
        return self._settings.refine and rough and alignment not in BOX_ALIGNMENTS

    def steps_for(self, alignment: str) -> str:
        """What is done to landmarks before crops of an alignment are cut, as model ids have it."""
        return "+onet" if self._refines_for(alignment) else ""

    @property
    def _steps(self) -> str:
        return self.steps_for(self.card().alignment)

    @property
    def embedder(self) -> Embedder:
        """The embedder."""
        settings = self._settings
        return self._once(
            "embedder",
            lambda: load_embedder(
                settings.embedder,
                self._store,
                self._options,
                flip=settings.flip,
                steps=self._steps,
            ),
        )

    @property
    def pair_head(self) -> PairHead | None:
        """The embedder's own classifier of pairs; None where it has none."""
        return self._once(
            "pair head", lambda: load_pair_head(self.card(), self._store, self._options)
        )

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Card names of the attribute models that the settings ask for.

        Raises:
            ModelError: None is here that may be used; see `attribute_choice.attribute_names`.
        """
        return self._once(
            "attribute names", lambda: attribute_names(self._settings.attributes, self._store)
        )

    def attribute_models(self, names: Sequence[str] = ()) -> tuple[AttributeModel, ...]:
        """Models that estimate how faces look; those of the settings unless some are named.

        Raises:
            ModelError: One cannot be had or run.
        """
        return tuple(map(self._attribute_model, names or self.attribute_names))

    def _attribute_model(self, name: str) -> AttributeModel:
        return self._once(
            f"attributes {name}", lambda: load_attributes(name, self._store, self._options)
        )

    @property
    def parser(self) -> Parser:
        """What parses faces.

        Raises:
            ModelError: It cannot be had or run.
        """
        wanted = self._settings.parser
        name = best_here(PARSERS, self._store) if wanted == "auto" else wanted
        if name is None:
            raise WeightsMissingError(
                f"None of the parsers {', '.join(PARSERS)} may be used here. Name another with "
                "FACEPRINT_PARSER."
            )
        return self._once("parser", lambda: load_parser(name, self._store, self._options))

    @property
    def pose(self) -> PoseEstimator:
        """What estimates head pose.

        Raises:
            ModelError: It cannot be had or run.
        """
        return self._once(
            "pose", lambda: load_pose(self._settings.pose, self._store, self._options)
        )

    @property
    def liveness(self) -> LivenessModel | None:
        """The test of liveness; None where none is named and the weights of none are here.

        Raises:
            ModelError: The one that is named cannot be had or run.
        """
        wanted = self._settings.liveness
        name = best_here(LIVENESS, self._store) if wanted == "auto" else wanted
        if name is None:
            return None
        return self._once("liveness", lambda: load_liveness(name, self._store, self._options))

    def _once(self, name: str, load: Callable[[], Loaded]) -> Loaded:
        """What `load` gives, loaded by the first of all threads that ask."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load()
            loaded: Loaded = self._loaded[name]
            return loaded

    @cached_property
    def calibration(self) -> Calibration | None:
        """The calibration of this detector and embedder, or None."""
        return load_calibration(
            self._settings.detector,
            self.model_id,
            folder=self._settings.weights.parent / "calibrations",
            beside=self._store.calibration_beside(self.card()),
        )

    def card(self, name: str | None = None) -> ModelCard:
        """The card of an embedder; of the one in use unless a name or a model folder is given."""
        return self._store.card(name or self._settings.embedder, kind="embedder")

    @cached_property
    def model_id(self) -> str:
        """Of the embeddings; known from the card, without loading the network.

        Raises:
            WeightsMissingError: The weights of this embedder have yet to be accepted.
        """
        found = self._store.resolve(self.card())
        flip = "+flip" if self._settings.flip else ""
        return f"{found.model_id}{flip}{self._steps}"

    @property
    def dimension(self) -> int:
        """Length of the embeddings."""
        return self.card().dimension

    def detect(
        self,
        images: list[Image],
        *,
        thorough: bool,
        watch: bool = False,
        min_score: float | None = None,
    ) -> list[tuple[Face, ...]]:
        """Faces of each image, best first.

        Args:
            images: (H, W, 3) uint8 RGB each.
            thorough: Look for faces down to about 10 pixels, and at quarter turns; slow.
            watch: Rather take something else for a face than miss one.
            min_score: Give doubtful finds too, down to this score; for curves, not for decisions.
        """
        plan = SearchPlan(retry_turned=thorough or self._settings.turn, thorough=thorough)
        detector = watchful(self._detector) if watch else self._detector
        if min_score is not None:
            detector = lowered(detector, min_score)
        return Search(detector, plan).detect(images)

    def crops(self, image: Image, faces: tuple[Face, ...]) -> Image:
        """Crops of the faces as the embedder takes them: (N, S, S, 3) uint8 RGB."""
        embedder = self.embedder
        return self.cut(image, faces, alignment=embedder.alignment, size_px=embedder.crop_size_px)

    def picture(self, image: Image, face: Face) -> Image:
        """An upright picture of one face for people to look at: (224, 224, 3) uint8 RGB."""
        alignment = "box-margin" if face.landmarks is None else "arcface-112"
        picture: Image = self.cut(image, (face,), alignment=alignment, size_px=_PICTURE_PX)[0]
        return picture

    def with_landmarks(
        self, image: Image, faces: tuple[Face, ...], *, alignment: str | None = None
    ) -> tuple[Face, ...]:
        """The faces, with landmarks as the model needs them: refined, or where the detector gave none.

        Args:
            image: The photo.
            faces: Of it.
            alignment: Of the model that they are for; the embedder's unless given.
        """
        return self.all_with_landmarks([image], [faces], alignment=alignment)[0]

    def all_with_landmarks(
        self,
        images: list[Image],
        faces: list[tuple[Face, ...]],
        *,
        alignment: str | None = None,
    ) -> list[tuple[Face, ...]]:
        """Like `with_landmarks` for the faces of several photos, which is faster than one by one."""
        if not any(faces):
            return faces
        alignment = alignment or self.embedder.alignment
        if alignment in BOX_ALIGNMENTS:
            return faces
        if any(face.landmarks is None for some in faces for face in some):
            return self._landmarker.locate(images, faces)
        return self._refiner.refine(images, faces) if self._refines_for(alignment) else faces

    def cut(self, image: Image, faces: tuple[Face, ...], *, alignment: str, size_px: int) -> Image:
        """Crops of the faces as a model of that alignment and size takes them: (N, S, S, 3) uint8 RGB.

        Raises:
            ModelError: The alignment needs landmarks, and a face has none.
        """
        if not faces:
            return np.zeros((0, size_px, size_px, 3), dtype=np.uint8)
        boxes = np.stack([face.box for face in faces])
        if alignment == "box-margin":
            return crop_boxes(image, boxes, size_px=size_px, margin=0.2)
        if alignment == "mtcnn-box":
            return crop_mtcnn_boxes(image, boxes, size_px=size_px)
        points = [face.landmarks for face in faces if face.landmarks is not None]
        if len(points) < len(faces):
            raise ModelError("Alignment needs landmarks, which this detector does not give.")
        return crop(image, np.stack(points), alignment=ALIGNMENTS[alignment], size_px=size_px)
