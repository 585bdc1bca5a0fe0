"""Head pose: one file for each model."""

from importlib import import_module

from faceprint.runtime import RuntimeOptions
from faceprint.types import PoseEstimator
from faceprint.zoo import WeightStore

__all__ = ["load_pose"]


def load_pose(name: str, store: WeightStore, options: RuntimeOptions) -> PoseEstimator:
    """The estimator of head pose of that card.

    Raises:
        UnknownModelError: No estimator of head pose has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="pose"))
    module = import_module(f"faceprint.pose.{found.implementation}")
    loaded: PoseEstimator = module.build(found, store, options)
    return loaded
