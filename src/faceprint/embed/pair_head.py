"""Classifiers of pairs: a small network that says from two embeddings whether they are of one person.

A model folder may hold one as `head.onnx`. It takes both embeddings side by side, (N, 2 D), and gives (N, 1):
an output called "probability" is taken as that, any other as a logit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceprint.errors import ModelError, WeightsCorruptError
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import FloatArray
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.cards import HEAD_FILE

__all__ = ["PairHead", "load_pair_head"]


def load_pair_head(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> PairHead | None:
    """The classifier of pairs of an embedder; None where it has none.

    Raises:
        ModelError: It cannot be had or run; see `WeightStore.files` and `open_session`.
    """
    for file, path in zip(card.files, store.files(card), strict=True):
        if file.name == HEAD_FILE:
            session = open_session(path, options, sensitive=True)
            return PairHead(card, session, logit=_output_name(path) != "probability")
    return None


class PairHead:
    """How probable it is that two embeddings are of one person, by a network trained to tell.

    The order of a pair means nothing: the answer is the mean of both orders.

    Args:
        card: Of the embedder.
        session: Takes (N, 2 D) float32 and gives (N, 1).
        logit: Whether it gives logits rather than probabilities.
    """

    def __init__(self, card: ModelCard, session: Session, *, logit: bool) -> None:
        self._card = card
        self._session = session
        self._logit = logit

    def probabilities(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Probabilities (N,) float32, 0 to 1.

        Args:
            first: (N, D) float32 of L2 norm 1.
            second: (N, D) float32 of L2 norm 1.

        Raises:
            ModelError: The network gives other numbers than one for each pair.
        """
        ways = [np.concatenate(pair, axis=1) for pair in ((first, second), (second, first))]
        raw = self._session.run(np.ascontiguousarray(np.concatenate(ways), dtype=np.float32))[0]
        if raw.size != 2 * len(first):
            raise ModelError(
                f"The classifier of pairs of {self._card.name} was expected to give one number for each "
                f"pair, and gave {raw.shape} for {2 * len(first)}. Export it again."
            )
        mean = raw.reshape(2, len(first)).mean(axis=0)
        found: FloatArray = (_sigmoid(mean) if self._logit else mean).astype(np.float32)
        return found


def _sigmoid(values: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), for numbers of any size; scipy, which has it, takes long to import."""
    found: FloatArray = (0.5 + 0.5 * np.tanh(values / 2)).astype(np.float32)
    return found


def _output_name(path: Path) -> str:
    import onnx

    try:
        (output,) = onnx.load(path, load_external_data=False).graph.output
    except Exception as error:
        raise WeightsCorruptError(
            f"{path} is not a network of one output: {error}. Export it again."
        ) from error
    return str(output.name)
