"""MTCNN beside YuNet and beside facenet-pytorch's MTCNN: faces found, landmarks, photos per second.

    pip install --no-deps facenet-pytorch==2.6.0
    python benchmarks/mtcnn.py --data ../shared/data --out benchmarks/mtcnn.csv

Three sets of photos: those of LFW's pairsDevTest (250 x 250 pixels; the person is found if a face
holds the middle of the photo), `groups/` (no labels) and `detection/` (Pascal VOC boxes, counted at an
IoU of 0.5; small background faces are partly unlabelled, so precision is a lower bound). Landmarks and
boxes are compared where both found the same face (IoU 0.3 or more), landmarks as a share of the
distance between the eyes: with YuNet everywhere, with facenet-pytorch's MTCNN on the first photos of
LFW. Speed is that of LFW's photos from disk to faces, one detector after the other, in rounds.

facenet-pytorch runs as its documentation shows, photo by photo, on one thread, in f32. It imports
torchvision for its non-maximum suppression alone; here OpenCV's, compiled too, stands in for that.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table

from detection import judge, read_boxes
from faceprint import Detection, Faceprint
from faceprint.detect import load_detector
from faceprint.geometry import iou_matrix
from faceprint.media import read_image
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.settings import read_settings
from faceprint.types import Face
from machine import describe_machine, write_csv

console = Console()
MIN_FACE_PX = 20
SAME_FACE_IOU = 0.3
RECALL_IOU = 0.5
BATCH = 16
PEER_VERSION = "2.6.0"
PEER_ROW = f"facenet-pytorch {PEER_VERSION}, one thread"
DataOption = Annotated[
    Path, typer.Option(help="Folder of lfw/, groups/ and detection/.", envvar="FACEPRINT_DATA")
]
Run = Callable[[Sequence[Path]], int]
Find = Callable[[Path], tuple[Face, ...]]


def main(
    data: DataOption = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of the speed test.")] = 3,
    photos: Annotated[int, typer.Option(help="LFW photos of the speed test.")] = 1000,
    peer_photos: Annotated[int, typer.Option(help="The first of them, on one thread.")] = 200,
) -> None:
    """Measures both detectors, then everybody's speed."""
    machine = describe_machine()
    lfw = pair_photos(data / "lfw")
    rows = [*accuracy("lfw", lfw), *accuracy("groups", sorted((data / "groups").iterdir()))]
    rows += accuracy("detection", sorted((data / "detection").glob("*.jpg")))
    peer = facenet_pytorch()
    if peer is not None:
        rows.append(beside_peer(peer, lfw[:peer_photos]))
    rows += speed(lfw[:photos], lfw[:peer_photos], rounds, peer=peer)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row.get(key, "")) for key in columns))
    console.print(table)
    if out is not None:
        write_csv(out, [{key: row.get(key, "") for key in columns} | machine for row in rows])


def pair_photos(root: Path) -> list[Path]:
    """The photos of pairsDevTest, each once, in the order of the list."""
    found: dict[Path, None] = {}
    for line in (root / "pairsDevTest.txt").read_text().splitlines()[1:]:
        words = line.split()
        names = (
            [(words[0], words[1]), (words[0], words[2])]
            if len(words) == 3
            else [(words[0], words[1]), (words[2], words[3])]
        )
        found |= {root / n / f"{n}_{int(number):04}.jpg": None for n, number in names}
    return list(found)


def accuracy(name: str, photos: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """What each detector finds in a set of photos, and how far their landmarks lie apart."""
    found = {detector: detect(detector, photos) for detector in ("yunet", "mtcnn")}
    for detector, results in found.items():
        row: dict[str, Any] = {"set": name, "what": detector, "photos": len(photos)}
        row["faces"] = sum(len(result.faces) for result in results)
        if name == "lfw":
            hits = [any(map(holds_the_middle(result), result.faces)) for result in results]
            row |= {"persons_found": sum(hits), "found_share": round(float(np.mean(hits)), 5)}
        if name == "detection":
            row |= against_boxes(results, photos)
        if detector == "mtcnn":
            pairs = zip(found["yunet"], results, strict=True)
            row |= distances((theirs.faces, ours.faces) for theirs, ours in pairs)
        yield row


def detect(detector: str, photos: Sequence[Path]) -> list[Detection]:
    """The faces of all photos, as the library finds them with its defaults."""
    with Faceprint(detector=detector) as faceprint:
        results = list(faceprint.detect_many(photos))
    read = [result for result in results if isinstance(result, Detection)]
    if len(read) < len(results):
        raise typer.BadParameter("a photo of the data folder is unreadable")
    return read


def holds_the_middle(result: Detection) -> Callable[[Face], bool]:
    middle = np.array([result.width, result.height]) / 2
    return lambda face: bool((face.box[:2] < middle).all() and (middle < face.box[2:]).all())


def against_boxes(results: Sequence[Detection], photos: Sequence[Path]) -> dict[str, Any]:
    truths = [read_boxes(photo.with_suffix(".xml")) for photo in photos]
    pairs = zip(results, truths, strict=True)
    marks = np.concatenate([judge(r, truth, overlap=RECALL_IOU) for r, truth in pairs])
    total = sum(map(len, truths))
    return {
        "labelled": total,
        "recall": round(float(marks[:, 1].sum()) / total, 4),
        "precision": round(float(marks[:, 1].mean()), 4),
    }


def beside_peer(peer: Find, photos: Sequence[Path]) -> dict[str, Any]:
    """How far our landmarks lie from those of facenet-pytorch, which has the same weights."""
    theirs = [peer(photo) for photo in photos]
    ours = [result.faces for result in detect("mtcnn", photos)]
    row: dict[str, Any] = {"set": "lfw", "what": f"mtcnn beside facenet-pytorch {PEER_VERSION}"}
    row |= {"photos": len(photos), "faces": sum(map(len, ours))}
    return row | distances(zip(theirs, ours, strict=True))


def distances(
    photos: Iterable[tuple[Sequence[Face], Sequence[Face]]],
) -> dict[str, Any]:
    """How far faces of two detectors lie apart.

    Landmarks: the mean distance of the five points, as a share of the first detector's eye distance.
    """
    apart = [pair for theirs, ours in photos for pair in _apart(theirs, ours)]
    shares, overlaps = np.array(apart).T
    return {
        "faces_of_both": len(apart),
        "boxes_iou_median": round(float(np.median(overlaps)), 3),
        "landmarks_median": round(float(np.median(shares)), 4),
        "landmarks_p95": round(float(np.percentile(shares, 95)), 4),
    }


def _apart(reference: Sequence[Face], faces: Sequence[Face]) -> Iterator[tuple[float, float]]:
    """Distance of the landmarks and IoU of the boxes, for each face that both have."""
    if not reference or not faces:
        return
    overlaps = iou_matrix(np.stack([f.box for f in reference]), np.stack([f.box for f in faces]))
    for k, row in enumerate(overlaps):
        best = int(row.argmax())
        points, wanted = faces[best].landmarks, reference[k].landmarks
        mutual = overlaps[:, best].argmax() == k and row[best] >= SAME_FACE_IOU
        if mutual and points is not None and wanted is not None:
            eyes = np.linalg.norm(wanted[0] - wanted[1])
            yield float(np.linalg.norm(points - wanted, axis=1).mean() / eyes), float(row[best])


def speed(
    photos: Sequence[Path], few: Sequence[Path], rounds: int, *, peer: Find | None
) -> Iterator[dict[str, Any]]:
    """Photos per second from disk to faces: the library on all cores, and one thread of each."""
    runs: dict[str, tuple[Run, Sequence[Path]]] = {
        "yunet": (library("yunet"), photos),
        "mtcnn": (library("mtcnn"), photos),
        "mtcnn, one thread": (one_thread(), few),
    }
    if peer is not None:
        find = peer
        runs[PEER_ROW] = (
            lambda paths: sum(len(find(path)) for path in paths),
            few,
        )
    rates: dict[str, list[float]] = {name: [] for name in runs}
    faces = {name: run(paths[:64]) for name, (run, paths) in runs.items()}
    for _ in range(rounds):
        for name, (run, paths) in runs.items():
            begin = time.perf_counter()
            faces[name] = run(paths)
            rates[name].append(len(paths) / (time.perf_counter() - begin))
    peers = rates.get(PEER_ROW, [])
    for name, (_, paths) in runs.items():
        ratios = [ours / theirs for ours, theirs in zip(rates[name], peers, strict=False)]
        yield {
            "set": "lfw, speed",
            "what": name,
            "photos": len(paths),
            "faces": faces[name],
            "rounds": rounds,
            "photos_per_second": round(median(rates[name]), 1),
            "slowest": round(min(rates[name]), 1),
            "fastest": round(max(rates[name]), 1),
            "times_facenet_pytorch": round(median(ratios), 2) if ratios else "",
        }


def library(detector: str) -> Run:
    """The library as it comes: all cores, photos in groups."""
    faceprint = Faceprint(detector=detector)

    def run(paths: Sequence[Path]) -> int:
        results = faceprint.detect_many(paths)
        return sum(len(r.faces) for r in results if isinstance(r, Detection))

    return run


def one_thread() -> Run:
    """The detector alone, on one thread, in batches."""
    settings = read_settings(threads=1)
    detector = load_detector("mtcnn", weight_store(settings), runtime_options(settings))

    def run(paths: Sequence[Path]) -> int:
        cv2.setNumThreads(1)
        found = [
            faces
            for start in range(0, len(paths), BATCH)
            for faces in detector.detect(
                [read_image(path).pixels for path in paths[start : start + BATCH]]
            )
        ]
        cv2.setNumThreads(-1)
        return sum(map(len, found))

    return run


def facenet_pytorch() -> Find | None:
    """Theirs, on one thread; None where it is not installed."""
    try:
        files = metadata.distribution("facenet-pytorch")
    except metadata.PackageNotFoundError:
        console.print(f"not run: pip install --no-deps facenet-pytorch=={PEER_VERSION}")
        return None
    import torch

    torch.set_num_threads(1)
    theirs = load_package(Path(str(files.locate_file("facenet_pytorch"))))
    detector = theirs.MTCNN(keep_all=True, min_face_size=MIN_FACE_PX)

    def find(path: Path) -> tuple[Face, ...]:
        with Pillow.open(path) as photo:
            boxes, scores, points = detector.detect(photo.convert("RGB"), landmarks=True)
        if boxes is None:
            return ()
        return tuple(
            Face(box.astype(np.float32), float(score), five.astype(np.float32))
            for box, score, five in zip(boxes, scores, points, strict=True)
        )

    return find


def load_package(folder: Path) -> ModuleType:
    """Their models.mtcnn under a made-up package, with stand-ins for what torchvision would give."""
    for name in (
        "torchvision",
        "torchvision.transforms",
        "torchvision.ops",
        "torchvision.ops.boxes",
    ):
        sys.modules[name] = ModuleType(name)
    sys.modules["torchvision.transforms"].functional = None  # type: ignore[attr-defined]
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms  # type: ignore[attr-defined]
    for name, path in (("peer", folder / "models"), ("peer.utils", folder / "models" / "utils")):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(path)]
    return importlib.import_module("peer.mtcnn")


def batched_nms(boxes: Any, scores: Any, groups: Any, iou: float) -> Any:
    """What torchvision.ops.batched_nms gives, from OpenCV."""
    import torch

    corners = boxes.numpy().astype(np.float64)
    corners[:, 2:] -= corners[:, :2]
    if not len(corners):
        return torch.zeros(0, dtype=torch.long)
    kept = cv2.dnn.NMSBoxesBatched(
        corners, scores.numpy(), groups.numpy().astype(np.int32), 0.0, iou
    )
    return torch.as_tensor(np.asarray(kept), dtype=torch.long)


if __name__ == "__main__":
    typer.run(main)
