"""Embedders: one file for each way of turning a crop into an embedding."""

from importlib import import_module

from faceprint.embed.pair_head import PairHead, load_pair_head
from faceprint.runtime import RuntimeOptions
from faceprint.types import Embedder
from faceprint.zoo import WeightStore

__all__ = ["PairHead", "load_embedder", "load_pair_head"]


def load_embedder(
    name: str,
    store: WeightStore,
    options: RuntimeOptions,
    *,
    flip: bool = False,
    steps: str = "",
) -> Embedder:
    """The embedder of that card.

    Args:
        name: Card name, or the path of a model folder.
        store: Where the weights are.
        options: Where the network runs.
        flip: Average each embedding with that of the mirror image; part of the model id.
        steps: What else is done before crops are cut, as in "+onet"; added to the model id.

    Raises:
        UnknownModelError: No embedder has that name.
        ModelError: Its weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    found = store.resolve(store.card(name, kind="embedder"))
    module = import_module(f"faceprint.embed.{found.implementation}")
    embedder: Embedder = module.build(found, store, options, flip=flip)
    embedder.model_id += steps
    return embedder
