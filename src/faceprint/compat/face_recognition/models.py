"""dlib's models, each loaded at first use, once for all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from faceprint.detect.dlib_cnn import DlibCnn
from faceprint.detect.dlib_cnn import build as build_cnn
from faceprint.detect.dlib_hog import DlibHog
from faceprint.detect.dlib_hog import build as build_hog
from faceprint.detect.dlib_landmarks import ShapePredictor, load_predictor
from faceprint.detect.dlib_library import load_dlib
from faceprint.embed import load_embedder
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.settings import Settings, read_settings
from faceprint.types import Embedder, Image
from faceprint.zoo.listed.dlib import FIVE_POINTS

__all__ = ["DlibModels", "models"]

Loaded = TypeVar("Loaded")

_MOST_DOUBLED = 4
"""The HOG detector takes so little memory that each photo within the limit may be doubled once."""


class DlibModels:
    """The models of some settings. Thread-safe.

    Args:
        settings: Where weights lie, what may be used and where networks run.
    """

    def __init__(self, settings: Settings) -> None:
        self.max_pixels = settings.max_pixels
        self._store = weight_store(settings)
        self._options = runtime_options(settings)
        self._lock = threading.Lock()
        self._loaded: dict[str, Any] = {}

    @property
    def pool(self) -> ThreadPoolExecutor:
        """Works on several images side by side; its threads stay, since each is slow at its first image."""
        return self._once(
            "pool", lambda: ThreadPoolExecutor(self._options.workers, "face_recognition")
        )

    def max_doubled_pixels(self, model: str) -> int:
        """The largest image, once doubled, that a detector takes."""
        return self.max_pixels * (_MOST_DOUBLED if model == "hog" else 1)

    @property
    def hog(self) -> DlibHog:
        """The detector "hog"."""
        card = self._store.card("dlib-hog")
        return self._once("hog", lambda: build_hog(card, self._store, self._options))

    @property
    def cnn(self) -> DlibCnn:
        """The detector "cnn"."""
        card = self._store.card("dlib-cnn")
        return self._once("cnn", lambda: build_cnn(card, self._store, self._options))

    def predictor(self, model: str) -> ShapePredictor:
        """The points "small" (5) or "large" (68)."""
        card = FIVE_POINTS if model == "small" else self._store.card("dlib-68")
        return self._once(model, lambda: load_predictor(card, self._store))

    @property
    def _embedder(self) -> Embedder:
        return self._once(
            "embedder", lambda: load_embedder("dlib-resnet", self._store, self._options)
        )

    def chips(
        self, image: Image, shapes: Sequence[Any], *, size_px: int, padding: float
    ) -> list[Image]:
        """Faces cut out as dlib does, by its own points.

        Args:
            image: (H, W, 3) uint8 RGB.
            shapes: dlib's records of their points, at least one.
            size_px: Side of the chips.
            padding: Around the face, as a share of it.

        Returns:
            (size_px, size_px, 3) uint8 RGB each.
        """
        dlib = load_dlib("Cutting faces out")
        wanted = dlib.full_object_detections(list(shapes))
        chips: list[Image] = dlib.get_face_chips(image, wanted, size=size_px, padding=padding)
        return chips

    def encode(self, chips: Sequence[Image], *, jitters: int) -> Iterator[npt.NDArray[np.float64]]:
        """dlib's vectors of chips, (128,) each, as long as dlib gives them.

        Args:
            chips: (150, 150, 3) uint8 RGB each.
            jitters: Over how many moved copies of a chip its vector is averaged; none for 0 or 1.
        """
        if jitters <= 1:
            yield from self._encode(np.stack(chips))
            return
        dlib = load_dlib("Moving faces")
        for chip in chips:
            yield self._encode(np.stack(dlib.jitter_image(chip, num_jitters=jitters))).mean(axis=0)

    def _encode(self, chips: Image) -> npt.NDArray[np.float64]:
        found = self._embedder.embed(chips)
        assert found.lengths is not None
        return found.vectors.astype(np.float64) * found.lengths[:, None]

    def _once(self, name: str, load: Callable[[], Loaded]) -> Loaded:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load()
            loaded: Loaded = self._loaded[name]
            return loaded


_lock = threading.Lock()
_models: DlibModels | None = None


def models() -> DlibModels:
    """The models of the settings in the environment, as they are at the first call.

    Raises:
        InputError: A setting means nothing.
    """
    global _models
    with _lock:
        if _models is None:
            _models = DlibModels(read_settings())
        return _models
