"""The end of a run: the model as others can use it, and a report of what it is worth on people not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from faceprint.embed.backbones.head import EmbeddingHead
from faceprint.evaluate.report import Report, write_report
from faceprint.pipeline import Faceprint
from faceprint.pipeline.models import weight_store
from faceprint.train.cards import model_name, own_card
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.export.attaching import attach_head, can_attach
from faceprint.train.export.calibrating import calibration_from
from faceprint.train.export.folder import write_model
from faceprint.train.export.network import export_head, export_onnx
from faceprint.train.finish_attributes import finish_attributes
from faceprint.train.folders import RunFolder
from faceprint.train.results.embedder import PairScores, embedder_report
from faceprint.train.tasks.attributes import AttributeTask
from faceprint.train.tasks.base import IntArray
from faceprint.train.tasks.embedding import EmbeddingTask, SiameseTask
from faceprint.zoo import ModelCard

if TYPE_CHECKING:
    from faceprint.train.run import Rows, Trained

__all__ = ["finish"]

_FMR = 1e-2


def finish(
    trained: Trained,
    data: PreparedDataset,
    rows: Rows,
    folder: RunFolder,
    *,
    faceprint: Faceprint,
    start: str,
    command: str,
    others: Sequence[PreparedDataset] = (),
    ancestors: Sequence[ModelCard] = (),
) -> Report:
    """Exports the best epoch, measures it, and writes `model/` and `report/` into the run's folder.

    Args:
        trained: What came of training.
        data: The dataset that the split is of.
        rows: Of that dataset, and more to train on.
        folder: Of the run.
        faceprint: Gives the cards of teachers.
        start: Of the weights, in words.
        command: As typed.
        others: Datasets whose photos were trained on too.
        ancestors: Cards of what the weights were before.

    Raises:
        OutputError: The folder cannot be written.
    """
    task = trained.task
    if isinstance(task, AttributeTask):
        return finish_attributes(
            trained, task, data, rows, folder, start=start, command=command, others=others
        )
    assert isinstance(task, EmbeddingTask)
    card, thresholds = _export(
        task,
        data,
        rows,
        folder,
        faceprint=faceprint,
        start=start,
        command=command,
        others=others,
        ancestors=ancestors,
    )
    report = embedder_report(
        name=model_name(folder.path.resolve().name),
        recipe=task.recipe.shown(),
        metrics=folder.metrics,
        data=data,
        validation=_scored(task, data, rows.validation),
        test=_scored(task, data, rows.test),
        fmr=_FMR,
        facts={
            "start": start,
            "epochs": f"{trained.epochs}, the best one was number {trained.best_epoch + 1}",
            "photos": f"{len(rows.train):,} to train on, {len(rows.validation):,} to choose by, "
            f"{len(rows.test):,} to test on",
            "model": "not exported: its embedder is not one ONNX network"
            if card is None
            else card.model_id,
            "thresholds": thresholds,
            **_trained_on_too(others),
        },
        command=command,
        kept=trained.best_epoch,
    )
    write_report(report, folder.report)
    return report


def _export(
    task: EmbeddingTask,
    data: PreparedDataset,
    rows: Rows,
    folder: RunFolder,
    *,
    faceprint: Faceprint,
    start: str,
    command: str,
    others: Sequence[PreparedDataset],
    ancestors: Sequence[ModelCard],
) -> tuple[ModelCard | None, str]:
    """Writes the model with its thresholds; None for a head on what no head can be put behind.

    The second is what is to be said of the thresholds.
    """
    name = model_name(folder.path.resolve().name)
    store = weight_store(faceprint.settings)
    base = None
    if isinstance(task.result, EmbeddingHead):
        base = store.card(task.recipe.network.embedder, kind="embedder")
        if not can_attach(base):
            return None, "none"
        onnx = attach_head(base, store, task.result)
    else:
        onnx = export_onnx(task.result, side_px=task.side_px, name=name)
    used = data.identity[rows.train[rows.train < len(data)]]
    card = own_card(
        task,
        onnx,
        name=name,
        kind="embedder",
        data=(data, *others),
        people=len(np.unique(used[used >= 0])),
        photos=len(rows.train),
        start=start,
        teachers=[
            *(store.card(teacher) for teacher in _teachers(task)),
            *([] if base is None else [base]),
            *ancestors,
        ],
        base=base,
    )
    calibration = calibration_from(
        task.outputs(data, rows.validation),
        data.identity[rows.validation],
        card=card,
        data=data,
        command=command,
    )
    write_model(folder.model, card, onnx, head=_head(task, name), calibration=calibration)
    if calibration is not None:
        return (
            card,
            f"from {len(rows.validation):,} validation photos; measure better ones on your own",
        )
    return card, (
        "none: the validation part is too small, or no detector cut its faces out. After `faceprint models "
        f"add`, run: faceprint calibrate PHOTOS --embedder {card.name}"
    )


def _trained_on_too(others: Sequence[PreparedDataset]) -> dict[str, str]:
    """Further photos, and their terms."""
    told = (
        f"{one.name} ({one.terms.name}; commercial use {one.terms.commercial})" for one in others
    )
    return {"trained on too": "; ".join(told)} if others else {}


def _teachers(task: EmbeddingTask) -> tuple[str, ...]:
    return task.recipe.loss.teachers if task.recipe.task == "distillation" else ()


def _scored(task: EmbeddingTask, data: PreparedDataset, rows: IntArray) -> PairScores:
    """Pairs of a part, as rows of the dataset, with what the network makes of them."""
    pairs = task.pairs(data, rows)
    scores = (
        task.probabilities(data, rows, pairs)
        if isinstance(task, SiameseTask)
        else task.scores(data, rows, pairs)
    )
    return PairScores(replace(pairs, first=rows[pairs.first], second=rows[pairs.second]), scores)


def _head(task: EmbeddingTask, name: str) -> bytes | None:
    """The classifier of a Siamese network, as a network of its own."""
    if not isinstance(task, SiameseTask):
        return None
    return export_head(task.head, width=2 * task.recipe.network.dimension, name=f"{name}-head")
