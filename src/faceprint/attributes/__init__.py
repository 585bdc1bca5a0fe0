"""Attributes of faces: one file for each kind of model. Ethnicity is not among them, and will not be."""

from importlib import import_module

from faceprint.attributes.records import AttributeEstimates, AttributeModel
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import WeightStore

__all__ = ["AttributeEstimates", "AttributeModel", "load_attributes"]


def load_attributes(name: str, store: WeightStore, options: RuntimeOptions) -> AttributeModel:
    """The attribute model of that card.

    Raises:
        UnknownModelError: No attribute model has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="attributes"))
    module = import_module(f"faceprint.attributes.{found.implementation}")
    model: AttributeModel = module.build(found, store, options)
    return model
