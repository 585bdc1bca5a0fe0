"""Model folders of trained networks: see `faceprint.zoo.own` for what is in one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from faceprint.attributes.serving import AttributeServing
from faceprint.errors import OutputError
from faceprint.files import is_full
from faceprint.match import Calibration, read_calibration
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.cards import HEAD_FILE
from faceprint.zoo.own import (
    CALIBRATION_FILE,
    CARD_FILE,
    READING_FILE,
    completed,
    read_folder,
    write_folder,
)

__all__ = ["ModelFolder", "read_model", "write_model"]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What a model folder holds, with all digests right.

    Attributes:
        path: The folder.
        card: The model card.
        onnx: The network.
        head: A classifier of pairs; None for none.
        serving: How the outputs of an attribute network are read; None for an embedder.
        calibration: Of one detector; None for none.
    """

    path: Path
    card: ModelCard
    onnx: bytes
    head: bytes | None = None
    serving: bytes | None = None
    calibration: Calibration | None = None


def write_model(
    folder: Path,
    card: ModelCard,
    onnx: bytes,
    *,
    head: bytes | None = None,
    serving: AttributeServing | bytes | None = None,
    calibration: Calibration | None = None,
) -> Path:
    """Writes a model folder whole or not at all; a model folder that is there is replaced.

    Args:
        folder: A new or empty folder, or a model folder.
        card: What is known of the model; digests and sizes are filled in here.
        onnx: The network, as `export_onnx` gives it.
        head: A classifier of pairs, as `export_head` gives it.
        serving: How the outputs are read, for a model of the kind attributes.
        calibration: Of the model.

    Returns:
        The folder.

    Raises:
        ModelError: The card cannot be used.
        OutputError: The folder holds something else, or cannot be written.
    """
    contents = {f"{card.name}.onnx": onnx}
    if head is not None:
        contents[HEAD_FILE] = head
    if serving is not None:
        text = serving if isinstance(serving, bytes) else json.dumps(serving.to_dict()).encode()
        contents[READING_FILE] = text
    table = None if calibration is None else calibration.to_json()
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / CARD_FILE).exists():
            raise OutputError(f"{folder} is not empty, and no model folder. Choose a new folder.")
        write_folder(folder, completed(card, contents), contents, calibration=table)
    except OSError as error:
        why = "the disk is full" if is_full(error) else error.strerror or str(error)
        raise OutputError(f"The model folder {folder} cannot be written: {why}.") from error
    return folder


def read_model(folder: Path, store: WeightStore | None = None) -> ModelFolder:
    """Reads a model folder, or that of a training run, and checks its digests.

    Args:
        folder: The folder.
        store: Whose terms hold; those of no one unless given.

    Raises:
        ModelError: It is no such folder, or its card or calibration means nothing.
        LicenceRefusedError: The store refuses it.
        WeightsCorruptError: A file has another digest than the card names.
    """
    card = read_folder(folder)
    assert card.folder is not None
    paths = (store or WeightStore(card.folder, card.folder, offline=True)).files(card)
    contents = {file.name: path.read_bytes() for file, path in zip(card.files, paths, strict=True)}
    beside = card.folder / CALIBRATION_FILE
    return ModelFolder(
        path=card.folder,
        card=card,
        onnx=contents[f"{card.name}.onnx"],
        head=contents.get(HEAD_FILE),
        serving=contents.get(READING_FILE),
        calibration=read_calibration(beside) if beside.is_file() else None,
    )
