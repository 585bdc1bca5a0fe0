"""Face parsing: one file for each model."""

from importlib import import_module

from faceprint.runtime import RuntimeOptions
from faceprint.types import Parser
from faceprint.zoo import WeightStore

__all__ = ["load_parser"]


def load_parser(name: str, store: WeightStore, options: RuntimeOptions) -> Parser:
    """The parser of that card.

    Raises:
        UnknownModelError: No parser has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="parser"))
    module = import_module(f"faceprint.parse.{found.implementation}")
    loaded: Parser = module.build(found, store, options)
    return loaded
