"""A model folder in fewer bits, with its cost and with thresholds of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.match import Calibration
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.train.augment.shapes import resize
from faceprint.train.data import PreparedDataset, Split
from faceprint.train.export.calibrating import calibration_from
from faceprint.train.export.cost import QuantisationCost, network_outputs, quantisation_cost
from faceprint.train.export.folder import ModelFolder, read_model, write_model
from faceprint.train.export.halves import store_halves
from faceprint.train.export.quantising import quantise
from faceprint.train.sampling import Pairs, random_pairs
from faceprint.types import Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["Smaller", "SmallerHow", "quantise_model"]

SmallerHow = Literal["int8", "half"]
"""In 8-bit integers, or with weights in 16 bits."""

_WORDS: dict[SmallerHow, str] = {"int8": "in 8-bit integers", "half": "weights in 16 bits"}

_MOST_PAIRS = 5000
_FEWEST_PAIRS = 20
_MOST_JUDGED = 4000

_Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Smaller:
    """A model in fewer bits.

    Attributes:
        card: Of its folder.
        cost: On crops that the ranges were not measured on.
        calibration: From the validation part of a split; None without one, or where it gives none.
    """

    card: ModelCard
    cost: QuantisationCost
    calibration: Calibration | None


def quantise_model(
    model: ModelFolder,
    data: PreparedDataset,
    folder: Path,
    *,
    name: str,
    how: SmallerHow = "int8",
    split: Split | None,
    most_crops: int,
    seed: int,
    command: str,
    store: WeightStore,
    options: RuntimeOptions,
) -> Smaller:
    """Writes a model folder with the network in 8-bit integers, or with its weights in 16 bits.

    Args:
        model: The model.
        data: Crops as the model takes them.
        folder: A new folder, for the smaller model.
        name: Of it.
        how: "int8", or "half".
        split: Ranges are measured on its train part, the cost on the others; else both on crops drawn
            at random.
        most_crops: That ranges are measured on.
        seed: Of what is drawn.
        command: As typed.
        store: Where prepared networks are kept.
        options: Where networks run.

    Raises:
        InputError: The crops are not those that the model takes, or too few.
        ModelError: The network cannot be quantised or run.
        OutputError: The folder holds something else, or cannot be written.
        MissingExtraError: ONNX Runtime is not installed.
    """
    _check_crops(model.card, data)
    ranges, judged = _rows(data, split, most_crops, seed)
    small = (
        quantise(
            model.path / model.card.files[0].name, _crops(data, ranges, model.card), model.card
        )
        if how == "int8"
        else store_halves(model.onnx)
    )
    summary = f"{model.card.summary.rstrip('.')}, {_WORDS[how]}."
    card = _write(folder, model, replace(model.card, name=name, summary=summary), small, None)
    cost = quantisation_cost(
        model.card,
        card,
        _crops(data, judged, model.card),
        store,
        options,
        pairs=_pairs(data.identity[judged], seed),
    )
    if split is None or card.kind != "embedder":
        return Smaller(card, cost, None)
    rows = split.rows(data, "validation")
    vectors = network_outputs(open_session(store.prepared(card), options), _crops(data, rows, card))
    calibration = calibration_from(
        vectors, data.identity[rows], card=card, data=data, command=command
    )
    return Smaller(_write(folder, model, card, small, calibration), cost, calibration)


def _check_crops(card: ModelCard, data: PreparedDataset) -> None:
    if data.alignment != card.alignment or data.side_px < 0.75 * card.input_size_px:
        raise InputError(
            f"{data.folder} holds {data.alignment} crops of {data.side_px} px, and {card.name} takes "
            f"{card.alignment} crops of {card.input_size_px} px. Prepare the photos for it."
        )


def _crops(data: PreparedDataset, rows: _Rows, card: ModelCard) -> Image:
    """Crops as large as the model takes them."""
    return resize(data.read(rows), card.input_size_px)


def _rows(data: PreparedDataset, split: Split | None, most: int, seed: int) -> tuple[_Rows, _Rows]:
    """Rows to measure ranges on, and others to judge by."""
    random = np.random.default_rng(seed)
    if split is None:
        order = random.permutation(len(data))
        used = min(most, len(data) // 2)
        return np.sort(order[:used]), np.sort(order[used:][:_MOST_JUDGED])
    train = random.permutation(split.rows(data, "train"))[:most]
    judged = np.concatenate([split.rows(data, part) for part in ("validation", "test")])
    return np.sort(train), np.sort(random.permutation(judged)[:_MOST_JUDGED])


def _pairs(identity: _Rows, seed: int) -> Pairs | None:
    """Pairs to measure accuracy on, where people are known and there are enough."""
    sizes = np.bincount(identity[identity >= 0])
    genuine = int((sizes * (sizes - 1) // 2).sum())
    count = int(sizes.sum())
    most = 2 * min(genuine, count * (count - 1) // 2 - genuine, _MOST_PAIRS // 2)
    return random_pairs(identity, most, seed=seed) if most >= _FEWEST_PAIRS else None


def _write(
    folder: Path, model: ModelFolder, card: ModelCard, onnx: bytes, calibration: Calibration | None
) -> ModelCard:
    write_model(folder, card, onnx, head=model.head, serving=model.serving, calibration=calibration)
    return read_model(folder).card
