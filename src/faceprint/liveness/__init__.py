"""Liveness: a person, or a picture of one: one file for each model."""

from importlib import import_module

from faceprint.runtime import RuntimeOptions
from faceprint.types import LivenessModel
from faceprint.zoo import WeightStore

__all__ = ["load_liveness"]


def load_liveness(name: str, store: WeightStore, options: RuntimeOptions) -> LivenessModel:
    """The test of liveness of that card.

    Raises:
        UnknownModelError: No test of liveness has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="liveness"))
    module = import_module(f"faceprint.liveness.{found.implementation}")
    loaded: LivenessModel = module.build(found, store, options)
    return loaded
