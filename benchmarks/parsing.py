"""How well parsers tell what heads show, and what follows: covered faces, faces hidden in their shape.

    python benchmarks/parsing.py --data ../shared/data --out benchmarks/parsing.csv

`iou`: each class, over the pixels of all photos of `parsing_labels.json` together, whose polygons were
drawn by hand; none of these people is among those that `faceprint-parser` learnt from
(`lfw/peopleDevTrain.txt`), and labels of those are refused. A parser is asked about what its crop shows.
`covered`: how much of a face is covered tells faces with masks from bare ones (`detection/`, boxes of 40
pixels and more): area under the curve. `hidden`: what recognition makes of LFW faces that are hidden in
their shape alone, as `hiding.py` measures it for the ellipse.
"""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from faceprint import Detection, Faceprint
from faceprint.evaluate.protocols import read_lfw
from faceprint.geometry import iou_matrix
from faceprint.media import read_image
from faceprint.media.hide import HIDE_STYLES, hide_faces
from faceprint.parse.classes import CLASSES, number_of
from faceprint.parse.occlusion import FACE_CLASSES
from faceprint.pipeline.choose import central_face
from faceprint.pipeline.hiding.photos import boxes_of
from faceprint.pipeline.hiding.shapes import face_masks
from faceprint.pipeline.segmenting import FaceParts, parse_faces
from faceprint.types import Face, Image, Labels
from hiding import embed_all, is_found, score
from machine import describe_machine, write_csv

console = Console()
Rows = list[dict[str, object]]

LABELS: Final = Path(__file__).parent / "parsing_labels.json"
UNKNOWN: Final = 255
PARSERS: Final = ("grabcut", "faceprint-parser")
SMALLEST_PX: Final = 40
HIDDEN_PAIRS: Final = 500
TOGETHER: Final = {
    "face": FACE_CLASSES,
    "eyes": ("right eye", "left eye"),
    "brows": ("right brow", "left brow"),
    "ears": ("right ear", "left ear"),
    "lips and mouth": ("upper lip", "lower lip", "mouth"),
}
"""Classes that are measured as one."""

ALONE: Final = ("background", "skin", "hair", "neck", "clothes", "nose", "glasses", "hat")


def main(
    data: Annotated[
        Path, typer.Option(help="Folder of lfw/ and detection/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    parsers: Annotated[str, typer.Option(help="Card names with commas between them.")] = ",".join(
        PARSERS
    ),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures parsers."""
    machine = describe_machine()
    rows: Rows = []
    for name in parsers.split(","):
        with Faceprint(parser=name) as engine:
            measure_classes(engine, data, rows)
            measure_covered(engine, data, rows)
    with Faceprint() as engine:
        measure_hidden(engine, data, rows)
    for row in rows:
        console.print(row)
    if out is not None:
        write_csv(out, [row | machine for row in rows])


def add(rows: Rows, what: str, parser: str, of: str, value: float, count: int) -> None:
    """One more figure."""
    rows.append(
        {"what": what, "parser": parser, "of": of, "value": round(value, 4), "count": count}
    )


def read_truths(data: Path) -> Iterator[tuple[Image, Labels, bool]]:
    """Photos, what was drawn on them (`UNKNOWN` for what is not measured), and whether they are held out."""
    drawn = json.loads(LABELS.read_text(encoding="utf-8"))
    refuse_learnt(drawn["photos"], data)
    for name, shapes in drawn["photos"].items():
        photo = read_image(data / name).pixels
        labels = np.zeros(photo.shape[:2], np.uint8)
        for what, corners in shapes:
            value = UNKNOWN if what == "?" else number_of(what)
            cv2.fillPoly(labels, [np.array(corners, np.int32).reshape(-1, 2)], value)
        yield photo, labels, name in drawn["held_out"]


def refuse_learnt(photos: Iterable[str], data: Path) -> None:
    """Refuses labels of people whose photos `faceprint-parser` learnt from.

    Raises:
        typer.BadParameter: There are such.
    """
    lines = (data / "lfw" / "peopleDevTrain.txt").read_text(encoding="utf-8").splitlines()
    people = {line.split("\t")[0] for line in lines[1:]}
    learnt = [photo for photo in photos if Path(photo).parent.name in people]
    if learnt:
        raise typer.BadParameter(
            f"{LABELS.name} holds photos of people of lfw/peopleDevTrain.txt, from whose photos "
            f"faceprint-parser learnt: {', '.join(learnt)}. Label other people."
        )


def measure_classes(engine: Faceprint, data: Path, rows: Rows) -> None:
    """Adds intersection over union for each class, the share of right pixels, and the time of a head."""
    name = engine.models.parser.name
    tables, seconds, held = [], [], []
    for photo, truth, held_out in read_truths(data):
        face = middle_face(engine, photo)
        began = time.perf_counter()
        (parts,) = parse_faces(engine.models.parser, photo, [face])
        seconds.append(time.perf_counter() - began)
        left, top = parts.place
        height, width = parts.labels.shape
        drawn = truth[top : top + height, left : left + width]
        seen = drawn != UNKNOWN
        counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        np.add.at(counts, (drawn[seen], parts.labels[seen]), 1)
        tables.append(counts)
        held.append(held_out)
    chosen = {"": np.ones(len(held), bool), " of those held out": np.array(held)}
    for which, some in chosen.items():
        counts = np.stack(tables)[some].sum(axis=0)
        for of, classes in {**{one: (one,) for one in ALONE}, **TOGETHER}.items():
            numbers = [number_of(one) for one in classes]
            if counts[numbers].any():  # it was drawn in some photo
                add(rows, f"iou{which}", name, of, iou(counts, numbers), int(some.sum()))
        right = float(counts.trace() / counts.sum())
        add(rows, f"pixels right{which}", name, "all", right, int(some.sum()))
    add(rows, "milliseconds", name, "a head", 1000 * float(np.median(seconds)), len(seconds))


def iou(counts: npt.NDArray[np.int64], numbers: Sequence[int]) -> float:
    """Intersection over union of some classes taken as one, from counts of (drawn, found)."""
    drawn, found = counts[numbers].sum(), counts[:, numbers].sum()
    both = counts[np.ix_(numbers, numbers)].sum()
    return float(both / max(drawn + found - both, 1))


def middle_face(engine: Faceprint, photo: Image) -> Face:
    """The face in the middle of a photo, with landmarks as parsers take them."""
    found = engine.detect(photo)
    central = central_face(found)
    if central is None:
        raise typer.BadParameter("A labelled photo shows no face in its middle.")
    (face,) = engine.models.with_landmarks(
        photo, (found.faces[central],), alignment=engine.models.parser.alignment
    )
    return face


def measure_covered(engine: Faceprint, data: Path, rows: Rows) -> None:
    """Adds how well the covered share tells masked faces from bare ones."""
    shares: dict[str, list[float]] = {"con_mascarilla": [], "sin_mascarilla": []}
    for path in sorted((data / "detection").glob("*.jpg")):
        photo = read_image(path).pixels
        for kind, parts in labelled_faces(engine, photo, path.with_suffix(".xml")):
            if kind in shares:
                shares[kind].append(parts.occlusion)
    masked, bare = (np.array(shares[kind]) for kind in ("con_mascarilla", "sin_mascarilla"))
    name = engine.models.parser.name
    more = (masked[:, None] > bare[None]).mean() + (masked[:, None] == bare[None]).mean() / 2
    add(rows, "covered_auc", name, "masks or none", float(more), len(masked) + len(bare))
    add(rows, "covered_median", name, "with a mask", float(np.median(masked)), len(masked))
    add(rows, "covered_median", name, "without", float(np.median(bare)), len(bare))


def labelled_faces(
    engine: Faceprint, photo: Image, labels: Path
) -> Iterator[tuple[str, FaceParts]]:
    """What is found of the labelled faces of a photo, with the kind of each."""
    objects = ET.parse(labels).getroot().iter("object")
    kinds, boxes = [], []
    for one in objects:
        box = one.find("bndbox")
        if box is not None:
            kinds.append(str(one.findtext("name")))
            ends = [box.findtext(side, "0") for side in ("xmin", "ymin", "xmax", "ymax")]
            boxes.append([float(end) for end in ends])
    faces = engine.detect(photo).faces
    if not faces or not boxes:
        return
    overlaps = iou_matrix(np.array(boxes, np.float32), boxes_of(faces))
    pairs = [
        (kind, faces[int(row.argmax())])
        for kind, row in zip(kinds, overlaps, strict=True)
        if row.max() > 0.5
    ]
    large = [(kind, face) for kind, face in pairs if face.height >= SMALLEST_PX]
    parser = engine.models.parser
    placed = engine.models.with_landmarks(
        photo, tuple(face for _, face in large), alignment=parser.alignment
    )
    parts = parse_faces(parser, photo, placed)
    yield from zip((kind for kind, _ in large), parts, strict=True)


def measure_hidden(engine: Faceprint, data: Path, rows: Rows) -> None:
    """Adds what recognition makes of faces that are hidden in their shape."""
    pairs = read_lfw(data / "lfw", view=1)
    both = np.stack([pairs.first, pairs.second], axis=1)
    chosen = np.concatenate([both[pairs.same][:HIDDEN_PAIRS], both[~pairs.same][:HIDDEN_PAIRS]])
    tested, ends = np.unique(chosen, return_inverse=True)
    photos = [pairs.photos[index] for index in tested]
    found = [one for one in engine.detect_many(photos) if isinstance(one, Detection)]
    images = [one.pixels for one in found]
    central = [central_face(one) for one in found]
    faces: list[tuple[Face, ...]] = [
        () if index is None else (one.faces[index],)
        for one, index in zip(found, central, strict=True)
    ]
    masks = [
        face_masks(engine.models, image, some) for image, some in zip(images, faces, strict=True)
    ]
    calibration = engine.models.calibration
    if calibration is None:
        raise typer.BadParameter("The default models have no calibration.")
    limit = calibration.threshold(1e-3).score
    name = engine.models.parser.name
    own = np.array([k for k, some in enumerate(faces) if some])
    same, strangers = (
        some[np.isin(some, own).all(axis=1)]
        for some in np.split(ends.reshape(-1, 2), [min(HIDDEN_PAIRS, int(pairs.same.sum()))])
    )
    shaped = np.array([masks[k][0] is not None for k in own])
    add(rows, "hidden_in_shape", name, "all", float(shaped.mean()), len(own))
    clear = embed_all(engine, images, faces)
    for how in HIDE_STYLES:
        hidden = [
            hide_faces(image, boxes_of(some), how=how, masks=shapes)
            for image, some, shapes in zip(images, faces, masks, strict=True)
        ]
        again = engine.models.detect(hidden, thorough=False)
        seen = [is_found(faces[k], again[k]) for k in own]
        vectors = embed_all(engine, hidden, faces)
        itself = score(vectors, clear, np.stack([own, own], axis=1)) >= limit
        other = score(vectors, clear, same) >= limit
        alike = np.quantile(score(vectors, vectors, strangers), 0.99)
        linked = score(vectors, vectors, same) > alike
        add(rows, "hidden_found_again", name, how, float(np.mean(seen)), len(own))
        add(rows, "hidden_matches_own_photo", name, how, float(itself.mean()), len(own))
        add(rows, "hidden_matches_other_photo", name, how, float(other.mean()), len(same))
        add(rows, "hidden_matches_hidden_photo", name, how, float(linked.mean()), len(same))


if __name__ == "__main__":
    typer.run(main)
