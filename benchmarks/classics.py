"""The classics beside the detectors of today: faces found, wrong finds, frames per second on one core.

    python benchmarks/classics.py --data ../shared/data --out benchmarks/classics.csv \\
        --curves benchmarks/classics_curve.csv

`viola-jones` is the cascade that faceprint trained, `lbp` scikit-image's cascade over local binary patterns
(its XML ships with scikit-image), `yunet` and `mtcnn` are networks. All see the same photos:

- `lfw`: those of LFW's pairsDevTest. The face in the middle, which YuNet sees in all of them, is to be
  found; others count neither way.
- `detection`: crowds with labelled faces, many of them masked; small background faces are partly unlabelled.
- `groups`: no labels. What YuNet and MTCNN both find in a thorough search is a face, what one of them finds
  alone, or only suspects, counts neither way.

A detector that said itself where the faces are is a `teacher`: what it finds there is no measure of it.
A set that says "bare" or gives a height counts these faces alone; finds on others count neither way.
A find is right at an IoU of 0.4 with the face. Boxes of `lbp`, which are squares from brow to chin, are given
the shape of YuNet's as those of `viola-jones` are. Each detector runs as faceprint runs it by default; `lbp`
with windows from 24 pixels on, each 1.2 times as large as the one before, moved pixel by pixel.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from skimage import data as samples
from skimage.feature import Cascade
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from faceprint import Faceprint
from faceprint.detect import load_detector
from faceprint.detect.viola_jones.framing import box_of
from faceprint.evaluate.detection.curves import Curve, average_precision, curve, judge
from faceprint.evaluate.detection.finding import find_faces
from faceprint.evaluate.detection.finds import FoundFaces, pack, unpack
from faceprint.evaluate.detection.matching import UNMATCHED, match_finds
from faceprint.evaluate.detection.voc import read_voc
from faceprint.evaluate.kept import KeptResults, digest_of
from faceprint.geometry import iou_matrix
from faceprint.match import clopper_pearson
from faceprint.match.curves import thin
from faceprint.media import read_image
from faceprint.media.video import Video
from faceprint.pipeline.models import weight_store
from faceprint.runtime import RuntimeOptions
from faceprint.settings import read_settings
from faceprint.types import FloatArray, Image
from machine import describe_machine, write_csv
from mtcnn import pair_photos

console = Console()
IOU: Final = 0.4
SUSPECTED: Final = 0.3
"""Score from which a find of a network may be a face that nobody labelled."""
HIGH_PX: Final = 30
"""Height of faces that fill the smallest window of a cascade, 24 pixels."""
RATES: Final = (0.1, 1.0)
POINTS: Final = 40
FRAME: Final = (384, 288)
PAPER_FPS: Final = 15
"""Viola and Jones 2004, on a Pentium III of 700 MHz."""
NEIGHBOURS: Final = 4
"""How many windows must agree, scikit-image's default; their number stands in for a score."""
SMALLEST_PX: Final = 24
ALIKE: Final = 0.5
"""Windows that overlap a group by a larger share than this belong to it, scikit-image's default."""
NEVER: Final = 2.0
"""An overlap that no windows have: none are put together."""
CHECKED: Final = 10
TEACHERS: Final = ("yunet", "mtcnn")

Finds = Sequence[FoundFaces]
Find = Callable[[Sequence[Path]], Finds]


@dataclass(frozen=True, eq=False)
class Set:
    """Photos with their faces: for each photo (G, 4) boxes, and which of these count."""

    name: str
    photos: Sequence[Path]
    boxes: Sequence[FloatArray]
    counts: Sequence[np.ndarray[Any, np.dtype[np.bool_]]]
    teachers: Sequence[str] = ()

    def of(self, what: str, counts: Callable[[int], Any]) -> Set:
        """The set with some of its faces; the others count neither way."""
        kept = [own & counts(row) for row, own in enumerate(self.counts)]
        return replace(self, name=f"{self.name}, {what}", counts=kept)

    def high(self) -> Set:
        """The set with its faces of some height alone."""
        tall = [boxes[:, 3] - boxes[:, 1] >= HIGH_PX for boxes in self.boxes]
        return self.of(f"{HIGH_PX} px high", tall.__getitem__)


def main(
    data: Annotated[
        Path,
        typer.Option(help="Folder of lfw/, detection/, groups/.", envvar="FACEPRINT_DATA"),
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV of the figures to write.")] = None,
    curves: Annotated[Path | None, typer.Option(help="CSV of the curves to write.")] = None,
    detectors: Annotated[
        str, typer.Option(help="Names, or paths of model folders, with commas.")
    ] = "viola-jones,lbp,yunet,mtcnn",
    cache: Annotated[Path, typer.Option(help="Folder that keeps finds.")] = Path("local/classics"),
    limit: Annotated[int, typer.Option(help="Photos of each set; 0 for all.")] = 0,
    rounds: Annotated[int, typer.Option(help="Of the speed test.")] = 5,
) -> None:
    """Measures everybody on everything, then their speed."""
    machine = describe_machine()
    names = detectors.split(",")
    if "lbp" in names:
        check_grouping(sorted((data / "detection").glob("*.jpg"))[:CHECKED])
    rows = speed(names, frames(data / "video" / "hamilton.mp4"), rounds)
    points = []
    for sets in (lfw(data / "lfw", limit), crowds(data / "detection", limit), groups(data, cache)):
        for name in names:
            found = finder(name, cache)(sets[0].photos)
            for one in sets:
                row, some = measure(one, name, found)
                rows.append(row)
                points += some
    show(rows)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if out is not None:
        write_csv(out, [{key: row.get(key, "") for key in columns} | machine for row in rows])
    if curves is not None:
        write_csv(curves, [point | machine for point in points])


def lfw(root: Path, limit: int) -> list[Set]:
    """The face in the middle of each photo, by YuNet, which finds one in all of them."""
    photos = pair_photos(root)[: limit or None]
    with Faceprint(detector="yunet") as faceprint:
        finds, _ = find_faces(faceprint, photos)
    boxes, counts = [], []
    for found in finds:
        middle = np.array([found.width, found.height]) / 2
        holds = ((found.usual[:, :2] < middle) & (found.usual[:, 2:4] > middle)).all(axis=1)
        known = found.doubtful[found.doubtful[:, 4] >= SUSPECTED, :4]
        central = found.usual[holds][:1, :4]
        others = known[iou_matrix(known, central).max(axis=1, initial=0) < IOU]
        boxes.append(np.concatenate([central, others]))
        counts.append(np.arange(len(boxes[-1])) < len(central))
    return [Set("lfw", photos, boxes, counts, TEACHERS[:1])]


def crowds(root: Path, limit: int) -> list[Set]:
    """Labelled faces: all, those of some height, and of these the bare ones."""
    labelled = read_voc(root).photos[: limit or None]
    whole = Set(
        "detection",
        [photo.path for photo in labelled],
        [photo.boxes for photo in labelled],
        [~photo.ignored for photo in labelled],
    )
    bare = [
        np.array([label == ("sin_mascarilla",) for label in photo.labels], dtype=bool)
        for photo in labelled
    ]
    return [whole, whole.high(), whole.high().of("bare", bare.__getitem__)]


def groups(data: Path, cache: Path) -> list[Set]:
    """What both networks find in a thorough search."""
    photos = sorted((data / "groups").iterdir())
    finds = []
    for name in TEACHERS:
        with Faceprint(detector=name) as faceprint:
            finds.append(find_faces(faceprint, photos, thorough=True, cache=cache)[0])
    boxes, counts = [], []
    for first, second in zip(*finds, strict=True):
        agreed = iou_matrix(first.usual[:, :4], second.usual[:, :4]).max(axis=1, initial=0) >= IOU
        faces = first.usual[agreed, :4]
        both = np.concatenate([first.doubtful, second.doubtful])
        known = both[both[:, 4] >= SUSPECTED, :4]
        others = known[iou_matrix(known, faces).max(axis=1, initial=0) < IOU]
        boxes.append(np.concatenate([faces, others]))
        counts.append(np.arange(len(boxes[-1])) < len(faces))
    whole = Set("groups", photos, boxes, counts, TEACHERS)
    return [whole, whole.high()]


def finder(name: str, cache: Path) -> Find:
    """What looks for faces in photos."""
    if name == "lbp":
        return lambda photos: find_lbp(photos, cache)

    def find(photos: Sequence[Path]) -> Finds:
        with Faceprint(detector=name) as faceprint:
            return find_faces(faceprint, photos, cache=cache)[0]

    return find


def find_lbp(photos: Sequence[Path], cache: Path) -> Finds:
    """scikit-image's cascade, with the number of windows of each find as its score."""
    cascade = Cascade(samples.lbp_frontal_face_cascade_filename())
    found = []
    recipe = {
        "scikit-image": metadata.version("scikit-image"),
        "neighbours": NEIGHBOURS,
        "scores": "windows",
    }
    with KeptResults.open(cache, "lbp", recipe) as kept:
        for photo in track(photos, "lbp", console=console):
            digest = str(digest_of(photo))
            known = kept.find([digest])
            one = unpack(known[digest]) if known else look_lbp(cascade, read_image(photo).pixels)
            kept.keep(digest, pack(one))
            found.append(one)
    return found


def look_lbp(cascade: Any, image: Image) -> FoundFaces:
    places, counts = grouped(lbp_windows(cascade, image))
    finds = np.concatenate([box_of(corners(places)), counts[:, None]], axis=1)
    finds = finds[np.argsort(-counts, kind="stable")]
    usual = finds[finds[:, 4] >= NEIGHBOURS]
    return FoundFaces(image.shape[1], image.shape[0], usual, finds)


def lbp_windows(cascade: Any, image: Image, **grouping: float) -> FloatArray:
    """The windows that pass, (N, 4) float32: left, top, width, height. `grouping` puts them together."""
    side = min(image.shape[:2])
    if side < SMALLEST_PX:
        return np.zeros((0, 4), dtype=np.float32)
    how = grouping or {"min_neighbor_number": 1, "intersection_score_threshold": NEVER}
    found = cascade.detect_multi_scale(image, 1.2, 1, (SMALLEST_PX,) * 2, (side, side), **how)
    rows = [[one[key] for key in ("c", "r", "width", "height")] for one in found]
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def corners(places: FloatArray) -> FloatArray:
    """Left, top, width, height as boxes."""
    boxes: FloatArray = np.concatenate([places[:, :2], places[:, :2] + places[:, 2:]], axis=1)
    return boxes


def grouped(windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Windows put together as scikit-image does: (G, 4) means in whole pixels, (G,) how many each stands for.

    scikit-image itself does not say how many; `check_grouping` sees that the means are the same.
    """
    sums: list[FloatArray] = []
    counts: list[int] = []
    for window in windows:
        means = means_of(sums, counts)
        overlaps = iou_matrix(corners(window[None]), corners(means), of_smaller=True)[0]
        if overlaps.max(initial=0) > ALIKE:
            group = int(overlaps.argmax())
            sums[group] = sums[group] + window
            counts[group] += 1
        else:
            sums.append(window)
            counts.append(1)
    return means_of(sums, counts), np.array(counts, dtype=np.float32)


def means_of(sums: Sequence[FloatArray], counts: Sequence[int]) -> FloatArray:
    whole = [np.floor(one / count) for one, count in zip(sums, counts, strict=True)]
    return np.array(whole, dtype=np.float32).reshape(-1, 4)


def check_grouping(photos: Sequence[Path]) -> None:
    """Fails where our grouping gives other boxes than scikit-image's."""
    cascade = Cascade(samples.lbp_frontal_face_cascade_filename())
    for photo in photos:
        image = read_image(photo).pixels
        places, counts = grouped(lbp_windows(cascade, image))
        ours = places[counts >= NEIGHBOURS]
        theirs = lbp_windows(cascade, image, min_neighbor_number=NEIGHBOURS)
        if sorted(map(tuple, ours.tolist())) != sorted(map(tuple, theirs.tolist())):
            raise typer.BadParameter(f"scikit-image groups the windows of {photo} otherwise")


def measure(some: Set, name: str, finds: Finds) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The figures of one detector on one set, and its curve."""
    doubtful = [one.doubtful for one in finds]
    partners = [partners_of(some, row, rows) for row, rows in enumerate(doubtful)]
    faces = [int(counts.sum()) for counts in some.counts]
    judged = judge([rows[:, 4] for rows in doubtful], partners, faces)
    found = curve(judged)
    own = [partners_of(some, row, one.usual) for row, one in enumerate(finds)]
    right = sum(int((one >= 0).sum()) for one in own)
    wrong = sum(int((one == UNMATCHED).sum()) for one in own)
    low, high = clopper_pearson(right, sum(faces))
    row: dict[str, Any] = {
        "set": some.name,
        "detector": label(name),
        "teacher": "yes" if name in some.teachers else "",
        "photos": len(some.photos),
        "faces": sum(faces),
        "found": right,
        "found_share": round(right / sum(faces), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "wrong": wrong,
        "wrong_per_photo": round(wrong / len(some.photos), 4),
        **{f"found_at_{rate:g}_wrong_per_photo": round(reached(found, rate), 4) for rate in RATES},
        "average_precision": round(average_precision(judged), 4),
    }
    return row, list(points_of(some, name, found))


def partners_of(some: Set, row: int, finds: FloatArray) -> np.ndarray[Any, np.dtype[np.intp]]:
    overlaps = iou_matrix(finds[:, :4], some.boxes[row])
    return match_finds(overlaps, ~some.counts[row], iou=IOU)


def reached(found: Curve, wrong_per_photo: float) -> float:
    """The largest share of faces found at no more wrong finds than that."""
    allowed = found.recall[found.wrong_per_photo <= wrong_per_photo]
    return float(allowed.max(initial=0.0))


def points_of(some: Set, name: str, found: Curve) -> Iterator[dict[str, Any]]:
    for k in thin(found.wrong_per_photo, found.recall, points=POINTS) if len(found.scores) else ():
        yield {
            "set": some.name,
            "detector": label(name),
            "score": round(float(found.scores[k]), 4),
            "wrong_per_photo": round(float(found.wrong_per_photo[k]), 4),
            "found_share": round(float(found.recall[k]), 4),
        }


def frames(video: Path) -> list[Image]:
    """Frames of a video, the middle of each at 384 x 288 pixels."""
    shown = []
    with Video(video) as source:
        for frame in source.frames(every_s=0.25):
            height, width = frame.pixels.shape[:2]
            left = (width - height * 4 // 3) // 2
            middle = frame.pixels[:, left : width - left]
            small = cv2.resize(middle, FRAME, interpolation=cv2.INTER_AREA)
            shown.append(np.asarray(small, dtype=np.uint8))
    return shown


def speed(names: Sequence[str], shown: list[Image], rounds: int) -> list[dict[str, Any]]:
    """Frames per second of each, frame by frame on one core, in rounds of everybody.

    The time is that of the processor, so that others on the machine do not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in names}
    with one_core():
        runs = {name: one_by_one(name) for name in names}
        for _ in range(rounds):
            for name, run in runs.items():
                run(shown[0])
                start = time.process_time()
                for frame in shown:
                    run(frame)
                taken[name].append((time.process_time() - start) / len(shown))
    first = taken[names[0]]
    return [
        {
            "set": f"{FRAME[0]} x {FRAME[1]}, one core",
            "detector": label(name),
            "photos": len(shown),
            "fps": round(1 / median(seconds), 2),
            "fps_slowest": round(1 / max(seconds), 2),
            "fps_fastest": round(1 / min(seconds), 2),
            "times_first": round(median(a / b for a, b in zip(first, seconds, strict=True)), 3),
            "times_paper": round(1 / median(seconds) / PAPER_FPS, 2),
        }
        for name, seconds in taken.items()
    ]


@contextmanager
def one_core() -> Iterator[None]:
    """Binds this process to one core, with one thread in every library."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, cores)
        cv2.setNumThreads(-1)


def one_by_one(name: str) -> Callable[[Image], object]:
    """The bare detector on one frame."""
    if name == "lbp":
        cascade = Cascade(samples.lbp_frontal_face_cascade_filename())
        return lambda image: lbp_windows(cascade, image, min_neighbor_number=NEIGHBOURS)
    settings = read_settings()
    detector = load_detector(name, weight_store(settings), RuntimeOptions(threads=1))
    return lambda image: detector.detect([image])


def label(name: str) -> str:
    """What a detector is called: its name, or that of its folder."""
    return Path(name).name


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    columns = ["set", "detector", "faces", "found_share", "wrong_per_photo", "fps"]
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row.get(key, "")) for key in columns))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
