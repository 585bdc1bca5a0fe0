"""The end of a run that estimates attributes: the model, how its outputs are read, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceprint.evaluate.report import Report, write_report
from faceprint.train.cards import model_name, own_card
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.export.folder import write_model
from faceprint.train.export.network import export_onnx
from faceprint.train.folders import RunFolder
from faceprint.train.results.attribute_serving import fit_serving
from faceprint.train.results.attributes import attribute_report
from faceprint.train.tasks.attributes import AttributeTask, HeadTask

if TYPE_CHECKING:
    from faceprint.train.run import Rows, Trained

__all__ = ["finish_attributes"]


def finish_attributes(
    trained: Trained,
    task: AttributeTask,
    data: PreparedDataset,
    rows: Rows,
    folder: RunFolder,
    *,
    start: str,
    command: str,
    others: Sequence[PreparedDataset] = (),
) -> Report:
    """Exports the best epoch, measures it, and writes `model/` and `report/` into the run's folder.

    A head on the embeddings of another model is measured, and not exported: it is no network of crops.

    Args:
        trained: What came of training.
        task: Of it.
        data: The dataset.
        rows: Its parts.
        folder: Of the run.
        start: Of the weights, in words.
        command: As typed.
        others: Datasets whose photos and labels were trained on too.

    Raises:
        OutputError: The folder cannot be written.
    """
    said = task.outputs(data, rows.validation)
    labels = {name: values[rows.validation] for name, values in data.labels.items()}
    serving = fit_serving(task.serving(), said, labels)
    name = model_name(folder.path.resolve().name)
    if not isinstance(task, HeadTask):
        onnx = export_onnx(task.result, side_px=task.side_px, name=name, output="estimates")
        card = own_card(
            task,
            onnx,
            name=name,
            kind="attributes",
            data=(data, *others),
            people=0,
            photos=len(rows.train),
            start=start,
            outputs=serving.outputs,
        )
        write_model(folder.model, card, onnx, serving=serving)
    report = attribute_report(
        name=name,
        recipe=task.recipe.shown(),
        metrics=folder.metrics,
        data=data,
        rows=rows.test,
        outputs=task.outputs(data, rows.test),
        serving=serving,
        facts={
            "start": start,
            "epochs": f"{trained.epochs}, the best one was number {trained.best_epoch + 1}",
            "photos": f"{len(rows.train):,} to train on, {len(rows.validation):,} to choose by, "
            f"{len(rows.test):,} to test on",
        },
        command=command,
        kept=trained.best_epoch,
    )
    write_report(report, folder.report)
    return report
