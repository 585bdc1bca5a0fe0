"""Detectors: one file each, and the search around them."""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, runtime_checkable

from faceprint.detect.search import Search, SearchPlan
from faceprint.runtime import RuntimeOptions
from faceprint.types import Detector, Face, Image, Landmarker
from faceprint.zoo import WeightStore

__all__ = [
    "Refiner",
    "Search",
    "SearchPlan",
    "load_detector",
    "load_landmarker",
    "load_refiner",
    "lowered",
    "watchful",
]


def load_detector(name: str, store: WeightStore, options: RuntimeOptions) -> Detector:
    """The detector of that card, as bare as it comes; `Search` adds sizes, tiles and turns.

    Raises:
        UnknownModelError: No detector has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="detector"))
    module = import_module(f"faceprint.detect.{found.implementation}")
    detector: Detector = module.build(found, store, options)
    return detector


def load_landmarker(name: str, store: WeightStore, options: RuntimeOptions) -> Landmarker:
    """The landmarker of that card; raises like `load_detector`."""
    found = store.resolve(store.card(name, kind="landmarker"))
    module = import_module(f"faceprint.detect.{found.implementation}")
    landmarker: Landmarker = module.build(found, store, options)
    return landmarker


class Refiner(Protocol):
    """Improves the landmarks of faces."""

    name: str

    def refine(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[tuple[Face, ...]]:
        """The same faces, which all have landmarks, in the same order with better ones."""
        ...


def load_refiner(store: WeightStore, options: RuntimeOptions) -> Refiner:
    """What refines rough landmarks: O-Net, the card `onet`; raises like `load_detector`."""
    from faceprint.detect.onet_landmarks import build

    return build(store.resolve(store.card("onet", kind="landmarker")), store, options)


@runtime_checkable
class _Watchful(Protocol):
    def watchful(self) -> Detector: ...


def watchful(detector: Detector) -> Detector:
    """The detector set to miss as little as it can, at the price of finding faces where none are.

    One that has no such setting comes back as it is.
    """
    return detector.watchful() if isinstance(detector, _Watchful) else detector


@runtime_checkable
class _Lowered(Protocol):
    def lowered(self, min_score: float) -> Detector: ...


def lowered(detector: Detector, min_score: float) -> Detector:
    """The detector with all that it finds down to a score, as curves over scores need it.

    What it finds by itself stays as it is, with doubtful finds after it. One that has no such setting
    comes back as it is.
    """
    return detector.lowered(min_score) if isinstance(detector, _Lowered) else detector
