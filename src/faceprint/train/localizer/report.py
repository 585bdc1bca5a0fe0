"""The report of a localiser: how training went, how well boxes fit, and where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint import __version__
from faceprint.evaluate.environment import describe_machine
from faceprint.evaluate.estimates import estimate_figure
from faceprint.evaluate.report import (
    Block,
    Chart,
    Column,
    Environment,
    Figure,
    Picture,
    Pictures,
    Report,
    Section,
    Series,
    Table,
    Text,
    crops_picture,
    figure_of,
)
from faceprint.train.localizer.crops import Crops
from faceprint.train.localizer.figures import (
    Found,
    LocalizerFigures,
    localizer_figures,
    pair_overlaps,
)
from faceprint.train.recipes.localizer import LocalizerRecipe
from faceprint.train.results.confusion import confusion_table
from faceprint.train.results.curves import training_section
from faceprint.train.results.run import run_section
from faceprint.train.scenes import Scenes
from faceprint.types import FloatArray, Image
from faceprint.zoo import ModelCard

__all__ = ["boxes_drawn", "localizer_report"]

_Rows = npt.NDArray[np.intp]

_SHOWN: Final = 12
_TRUE: Final = (0, 158, 115)
_FOUND: Final = (230, 159, 0)
_ENLARGED_PX: Final = 160
_BINS: Final = np.linspace(0, 1, 21)
_SIZES: Final = (0.0, 0.2, 0.3, 0.45, 0.65, 1.01)
_FEW: Final = 500
_COLOURS: Final = "Green is where the face is, orange is what was found."


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    crops: Crops
    found: Found
    figures: LocalizerFigures
    overlaps: FloatArray
    faces: _Rows
    """Rows of the crops with a face, in the order of `overlaps`."""


def localizer_report(
    *,
    card: ModelCard,
    recipe: LocalizerRecipe,
    metrics: Path,
    scenes: Scenes,
    crops: Crops,
    found: Found,
    facts: Mapping[str, str],
    command: str,
    kept: int,
) -> Report:
    """The report.

    Args:
        card: Of the model.
        recipe: Of the run.
        metrics: The run's metrics.csv.
        scenes: All photos.
        crops: Of the test part.
        found: What the network says of them.
        facts: What else to say of the run.
        command: As typed.
        kept: The epoch whose weights were kept, from 0.

    Raises:
        InputError: The metrics cannot be read.
    """
    faces = np.flatnonzero(crops.faces)
    overlaps = pair_overlaps(crops.boxes[faces], found.boxes[faces])
    measured = _Measured(crops, found, localizer_figures(crops, found), overlaps, faces)
    return Report(
        kind="localizer",
        title=f"{card.name}: where the one face of a photo is",
        run=card.name,
        figures=tuple(_figures(measured.figures)),
        sections=(
            Section("Boxes", tuple(_box_blocks(measured))),
            Section("Face or not", tuple(_face_blocks(measured))),
            Section("Pictures", tuple(_pictures(measured))),
            training_section(metrics, kept=kept),
            run_section(recipe.shown(), facts),
        ),
        environment=_environment(card, recipe, scenes, command),
        warnings=tuple(_warnings(recipe, crops, facts)),
    )


def _figures(figures: LocalizerFigures) -> Iterator[Figure]:
    yield estimate_figure("Mean IoU", figures.overlap, better="higher", unit="score")
    yield figure_of("Right on face or no face", figures.right, better="higher")
    yield figure_of("Faces found with IoU of a half or more", figures.placed, better="higher")
    yield figure_of("Faces missed", figures.missed)
    yield figure_of("Faces seen where there is none", figures.invented)


def _box_blocks(measured: _Measured) -> Iterator[Block]:
    yield Text(
        "Crops of photos of people whom it was not trained on, half of them with one face, half with none. "
        "IoU is of the found and the true box of each crop with a face, whether the network says that there "
        "is one or not."
    )
    counts, _ = np.histogram(measured.overlaps, _BINS)
    shares = counts / max(1, len(measured.overlaps))
    bars = Series("faces", tuple(_BINS[:-1].tolist()), tuple(shares.tolist()))
    yield Chart("How well boxes fit", "IoU", "share of the faces", (bars,), kind="bars")
    yield _size_table(measured)


def _size_table(measured: _Measured) -> Table:
    """By how much of the crop a face takes."""
    boxes = measured.crops.boxes[measured.faces]
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    said = measured.found.said[measured.faces]
    rows = []
    for low, high in pairwise(_SIZES):
        some = (sizes >= low) & (sizes < high)
        if some.any():
            name = f"{100 * low:.0f} to {100 * min(high, 1):.0f} %"
            overlap, found = float(measured.overlaps[some].mean()), float(said[some].mean())
            rows.append((name, int(some.sum()), overlap, found))
    columns = (
        Column("longer side of the face, of the crop's"),
        Column("faces", "count"),
        Column("mean IoU", "score"),
        Column("found", "share"),
    )
    return Table("By the size of the face", columns, tuple(rows))


def _face_blocks(measured: _Measured) -> Iterator[Block]:
    crops, said = measured.crops, measured.found.said
    counts = np.zeros((2, 2), dtype=np.int64)
    np.add.at(counts, (1 - crops.faces.astype(int), 1 - said.astype(int)), 1)
    yield confusion_table(counts, ("a face", "no face"), title="Face or no face")
    series = []
    for name, rows in (("a face", crops.faces), ("no face", ~crops.faces)):
        bins, _ = np.histogram(measured.found.scores[rows], _BINS)
        shares = bins / max(1, int(rows.sum()))
        series.append(Series(name, tuple(_BINS[:-1].tolist()), tuple(shares.tolist())))
    yield Chart("Scores", "score", "share of the crops", tuple(series), kind="bars")


def _pictures(measured: _Measured) -> Iterator[Pictures]:
    order = measured.faces[np.argsort(-measured.overlaps, kind="stable")]
    # Spread over the better half: the very best are a face that is all but the same.
    good = order[np.linspace(0, (len(order) - 1) // 2, min(_SHOWN, len(order))).astype(int)]
    yield _gallery("Good boxes", measured, good)
    yield _gallery("Worst boxes", measured, order[::-1][:_SHOWN])
    crops, scores = measured.crops, measured.found.scores
    rows = np.argsort(scores, kind="stable")
    missed = [row for row in rows if crops.faces[row] and scores[row] < 0.5][:_SHOWN]
    invented = [row for row in rows[::-1] if not crops.faces[row] and scores[row] >= 0.5][:_SHOWN]
    if missed:
        yield _gallery("Faces taken for none", measured, np.array(missed))
    if invented:
        yield _gallery("Seen as faces, and labelled none", measured, np.array(invented))


def _gallery(title: str, measured: _Measured, rows: _Rows | Sequence[int]) -> Pictures:
    return Pictures(title, tuple(_picture(measured, int(row)) for row in rows), _COLOURS)


def _picture(measured: _Measured, row: int) -> Picture:
    crops, found = measured.crops, measured.found
    caption = f"score {found.scores[row]:.3f}"
    boxes: list[tuple[FloatArray, tuple[int, int, int]]] = []
    if crops.faces[row]:
        overlap = pair_overlaps(crops.boxes[row : row + 1], found.boxes[row : row + 1])[0]
        caption = f"IoU {overlap:.2f}, {caption}"
        boxes.append((crops.boxes[row], _TRUE))
    if found.said[row] or crops.faces[row]:
        boxes.append((found.boxes[row], _FOUND))
    drawn = boxes_drawn(crops.pixels[row], boxes)
    return crops_picture(drawn[None], [crops.photos[row]], caption)


def boxes_drawn(crop: Image, boxes: Sequence[tuple[FloatArray, tuple[int, int, int]]]) -> Image:
    """An enlarged copy of a crop with outlines on it.

    Args:
        crop: (S, S, 3) uint8 RGB.
        boxes: Each (4,) float32 as shares of the side, and its colour.
    """
    large = cv2.resize(crop, (_ENLARGED_PX, _ENLARGED_PX), interpolation=cv2.INTER_CUBIC)
    for box, colour in boxes:
        x1, y1, x2, y2 = np.round(box * (_ENLARGED_PX - 1)).astype(int).tolist()
        cv2.rectangle(large, (x1, y1), (x2, y2), colour, 2)
    return np.asarray(large, dtype=np.uint8)


def _environment(
    card: ModelCard, recipe: LocalizerRecipe, scenes: Scenes, command: str
) -> Environment:
    model = {
        "role": "detector",
        "name": card.name,
        "digest": card.digest,
        "training_data": card.training_data,
        "commercial": card.commercial,
        "paper": card.paper,
    }
    return Environment(
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        machine=describe_machine(),
        models=(model,),
        settings={"recipe": recipe.name, "side_px": recipe.side_px, "seed": recipe.seed},
        data={
            "dataset": scenes.sources,
            "photos": len(scenes),
            "failures": len(scenes.problems),
            "digest": scenes.digest,
            "licence note": f"{scenes.terms.name}; commercial use: {scenes.terms.commercial}",
        },
    )


def _warnings(recipe: LocalizerRecipe, crops: Crops, facts: Mapping[str, str]) -> Iterator[str]:
    if "new weights" in facts.get("start", ""):
        size = (
            f"VGG16's layout with its widths divided by {recipe.network.slimness}"
            if recipe.network.name == "vgg16-slim"
            else "VGG16"
        )
        yield (
            f"No transfer: {size} at {recipe.side_px} pixels was trained from scratch, without weights of "
            "ImageNet."
        )
    if len(crops) < _FEW:
        yield f"Only {len(crops)} crops are tested on: the intervals are wide."
