"""What hidden faces still give away, and how many faces hiding finds.

    python benchmarks/hiding.py --data ../shared/data --out benchmarks/hiding.csv

Faces of the LFW view 1 test pairs are hidden in every way and attacked with the default models: is
the face still found; does it match, at one false match in 1,000, another photo of the same person,
or the very photo that it was; and, since an attacker may hide photos of suspects in the same way,
do two hidden photos match (at the threshold that lets 1 % of the hidden impostor pairs pass). The
attacker is given the landmarks of the clear photo.

Finding: labelled faces of `detection/` of which at least half is covered by a find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from detection import read_boxes
from faceprint import Detection, Faceprint
from faceprint.evaluate.protocols import read_lfw
from faceprint.geometry import iou_matrix
from faceprint.media import read_image
from faceprint.media.hide import HIDE_STYLES, HideStyle, hide_faces
from faceprint.pipeline.choose import central_face
from faceprint.types import Face, FloatArray, Image
from machine import describe_machine, write_csv

console = Console()
Rows = list[dict[str, object]]


def main(
    data: Annotated[
        Path, typer.Option(help="Folder of lfw/ and detection/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures recognition of hidden faces, and finding."""
    machine = describe_machine()
    rows: Rows = []
    with Faceprint() as engine:
        measure_attacks(engine, data, rows)
        measure_finding(engine, data, rows)
    for row in rows:
        console.print(row)
    if out is not None:
        write_csv(out, [row | machine for row in rows])


def measure_attacks(engine: Faceprint, data: Path, rows: Rows) -> None:
    """Adds what becomes of faces that are hidden in each way."""
    pairs = read_lfw(data / "lfw", view=1)
    tested, rows_of = np.unique(np.stack([pairs.first, pairs.second], axis=1), return_inverse=True)
    photos = [pairs.photos[index] for index in tested]
    detections = [d for d in engine.detect_many(photos) if isinstance(d, Detection)]
    images = [d.pixels for d in detections]
    central = [central_face(d) for d in detections]
    faces: list[tuple[Face, ...]] = [
        () if index is None else (d.faces[index],)
        for d, index in zip(detections, central, strict=True)
    ]
    kept = np.array([len(some) == 1 for some in faces])
    ends = rows_of.reshape(-1, 2)
    usable = kept[ends].all(axis=1)
    ends, same = ends[usable], pairs.same[usable]
    clear = embed_all(engine, images, faces)
    calibration = engine.models.calibration
    if calibration is None:
        raise typer.BadParameter("The default models have no calibration.")
    limit = calibration.threshold(1e-3).score

    def add(what: str, how: str, hits: np.ndarray) -> None:
        rows.append(
            {"what": what, "how": how, "share": round(float(hits.mean()), 4), "of": len(hits)}
        )

    add("matches_other_photo", "clear", score(clear, clear, ends[same]) >= limit)
    for how in HIDE_STYLES:
        hidden = [hide_some(image, some, how) for image, some in zip(images, faces, strict=True)]
        again = engine.models.detect(hidden, thorough=False)
        covered = [is_found(some, more) for some, more in zip(faces, again, strict=True) if some]
        add("found_again", how, np.array(covered))
        vectors = embed_all(engine, hidden, faces)
        own = np.flatnonzero(kept)
        add("matches_own_photo", how, score(vectors, clear, np.stack([own, own], 1)) >= limit)
        add("matches_other_photo", how, score(vectors, clear, ends[same]) >= limit)
        impostors = score(vectors, vectors, ends[~same])
        genuine = score(vectors, vectors, ends[same])
        add("matches_hidden_photo", how, genuine > np.quantile(impostors, 0.99))


def hide_some(image: Image, faces: tuple[Face, ...], how: HideStyle) -> Image:
    """The image with these faces hidden."""
    return hide_faces(image, np.array([f.box for f in faces], np.float32).reshape(-1, 4), how=how)


def is_found(faces: tuple[Face, ...], again: tuple[Face, ...]) -> bool:
    """Whether a find overlaps the one face."""
    if not again:
        return False
    boxes = np.stack([f.box for f in again])
    return bool(iou_matrix(faces[0].box[None], boxes).max() > 0.3)


def embed_all(engine: Faceprint, images: list[Image], faces: list[tuple[Face, ...]]) -> FloatArray:
    """The embedding of each photo's one face: (N, D); zeros where there is none."""
    vectors = np.zeros((len(images), engine.models.dimension), np.float32)
    own = [k for k, some in enumerate(faces) if some]
    crops = np.concatenate([engine.models.crops(images[k], faces[k]) for k in own])
    vectors[own] = engine.models.embedder.embed(crops).vectors
    return vectors


def score(a: FloatArray, b: FloatArray, pairs: np.ndarray) -> FloatArray:
    """Cosine of each pair of rows."""
    scores: FloatArray = np.einsum("nd,nd->n", a[pairs[:, 0]], b[pairs[:, 1]])
    return scores


def measure_finding(engine: Faceprint, data: Path, rows: Rows) -> None:
    """Adds the share of labelled faces that are found, as each way of looking has it."""
    paths = sorted((data / "detection").glob("*.jpg"))
    truths = [read_boxes(path.with_suffix(".xml")) for path in paths]
    images = [read_image(path).pixels for path in paths]
    negatives = [read_image(path).pixels for path in sorted((data / "negatives").glob("*.jpg"))]
    for how, thorough, watch in (
        ("as identify looks", False, False),
        ("as identify --thorough looks", True, False),
        ("as anonymise looks", False, True),
        ("as anonymise --thorough looks", True, True),
    ):
        found = engine.models.detect(images, thorough=thorough, watch=watch)
        hits = [covered_boxes(t, some) for t, some in zip(truths, found, strict=True)]
        marks = np.concatenate(hits)
        rows.append(
            {
                "what": "labelled_faces_found",
                "how": how,
                "share": round(float(marks.mean()), 4),
                "of": len(marks),
            }
        )
        strays = sum(
            len(some) for some in engine.models.detect(negatives, thorough=thorough, watch=watch)
        )
        rows.append(
            {
                "what": "finds_per_photo_without_faces",
                "how": how,
                "share": round(strays / len(negatives), 4),
                "of": len(negatives),
            }
        )


def covered_boxes(truth: FloatArray, faces: tuple[Face, ...]) -> np.ndarray:
    """Whether each labelled box shares half of the smaller area with a find."""
    if not faces or not len(truth):
        return np.zeros(len(truth), dtype=bool)
    boxes = np.stack([face.box for face in faces])
    covered: np.ndarray = iou_matrix(truth, boxes, of_smaller=True).max(axis=1) > 0.5
    return covered


if __name__ == "__main__":
    typer.run(main)
