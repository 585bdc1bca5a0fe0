"""How well the localiser finds the one face of a photo: held-out crops, whole photos, a video, and its speed.

    python benchmarks/localizer.py --data ../shared/data --out benchmarks/localizer.csv

- `crops`: cut at random from photos of people whom it was not trained on, 96 pixels, half of them with one
  face (0.15 to 0.9 of the side), half without; those of the report of its run. The boxes are labels, and
  YuNet's finds in the whole photos. YuNet on the very crops stands beside it to say how hard they are: so
  small a picture is not what it is for.
- `lfw`: whole photos of LFW's pairsDevTest, 250 pixels, against the face in the middle as YuNet sees it.
- `interview.mp4`: every fourth of a second of a person before a camera, against YuNet's face.
- `backgrounds`: held-out photos without faces: how many it sees one in.

Shares have Clopper-Pearson intervals, means those of resampling, both 95 %. A face counts as found where the
IoU with it is a half or more. `ms` is one call for one photo of 640 x 480 on one core, the quickest of many.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from faceprint import Faceprint
from faceprint.detect import load_detector, lowered
from faceprint.evaluate.estimates import Estimate, estimate
from faceprint.match import Rate, rate
from faceprint.media import read_image
from faceprint.media.video import Video
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.runtime import RuntimeOptions
from faceprint.train.localizer.crops import Crops, CropSource
from faceprint.train.localizer.figures import Found, localizer_figures, pair_overlaps
from faceprint.train.localizer.places import gather_places
from faceprint.train.recipes import read_any_recipe
from faceprint.train.recipes.localizer import LocalizerRecipe
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.finding import find_scenes
from faceprint.types import Detector, Face, FloatArray, Image
from machine import describe_machine, write_csv
from mtcnn import pair_photos

console = Console()
HALF: Final = 0.5
TEST: Final = 3
"""What the crops of a run's test part are drawn with, beside its seed."""
TIMED: Final = 200
Row = dict[str, Any]


def main(
    data: Annotated[
        Path,
        typer.Option(
            help="Folder of lfw/, detection/, negatives/, video/.", envvar="FACEPRINT_DATA"
        ),
    ] = Path("../shared/data"),
    model: Annotated[str, typer.Option(help="A card's name, or a model folder.")] = "localizer",
    recipe: Annotated[str, typer.Option(help="That it was trained with.")] = "localizer-small",
    kept: Annotated[Path, typer.Option(help="Folder where the teacher's finds are kept.")] = Path(
        "local/scenes"
    ),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures the localiser, and YuNet beside it where that is no judge."""
    machine = describe_machine()
    made_with = read_any_recipe(recipe)
    assert isinstance(made_with, LocalizerRecipe)
    with Faceprint() as faceprint:
        scenes = find_scenes(
            faceprint,
            [data / "lfw", data / "detection"],
            [data / "negatives"],
            people=data / "lfw" / "peopleDevTrain.txt",
            kept=kept,
        )
        store, options = weight_store(faceprint.settings), runtime_options(faceprint.settings)
    bare = {name: load_detector(name, store, options) for name in (model, "yunet")}
    rows = [
        *crop_rows(test_crops(scenes, made_with), bare),
        *photo_rows("lfw", [read_image(path).pixels for path in pair_photos(data / "lfw")], model),
        *photo_rows("interview.mp4", frames(data / "video" / "interview.mp4"), model),
        *background_rows(scenes.part("test").backgrounds(), bare[model]),
        *speed_rows((model, "yunet"), frames(data / "video" / "interview.mp4")[0]),
    ]
    table = Table("set", "detector", "figure", "count", "value", "95 % interval")
    for row in rows:
        shown = [str(row[name]) for name in ("set", "detector", "figure", "count", "value")]
        table.add_row(*shown, f"{row['low']} to {row['high']}" if row["low"] != "" else "")
    console.print(table)
    if out is not None:
        write_csv(out, [row | machine for row in rows])


def test_crops(scenes: Scenes, recipe: LocalizerRecipe) -> Crops:
    """The crops of the test part, as in the run's report."""
    places = gather_places(
        scenes.part("test"), side_px=recipe.side_px, smallest=recipe.crops.smallest
    )
    source = CropSource(places, recipe.crops, side_px=recipe.side_px)
    return source.draw(recipe.crops.test, np.random.default_rng((recipe.seed, TEST)))


def crop_rows(crops: Crops, detectors: dict[str, Detector]) -> Iterator[Row]:
    """What each says of the crops; a crop with several finds has the best one."""
    side = crops.pixels.shape[1]
    for name, detector in detectors.items():
        # Down to any score: the box of a face that is missed counts, too.
        finds = [one for part in chunks(crops.pixels) for one in lowered(detector, 0).detect(part)]
        boxes = np.array([best(faces) / side for faces in finds], dtype=np.float32)
        said = [bool(faces) for part in chunks(crops.pixels) for faces in detector.detect(part)]
        logits = np.where(said, 1, -1).astype(np.float32)
        found = localizer_figures(crops, Found(logits, boxes))
        for figure, value in (
            ("mean IoU", found.overlap),
            ("right on face or no face", found.right),
            ("found, IoU of a half or more", found.placed),
            ("missed", found.missed),
            ("seen where there is none", found.invented),
        ):
            count = value.trials if isinstance(value, Rate) else int(crops.faces.sum())
            yield row_of("crops", name, figure, count, value)


def photo_rows(name: str, images: Sequence[Image], model: str) -> Iterator[Row]:
    """Whole photos, looked at as the product does, against the face in the middle."""
    truth, known = central_faces(images)
    with Faceprint(detector=model) as faceprint:
        finds = [
            one for part in chunks(images) for one in faceprint.models.detect(part, thorough=False)
        ]
    boxes = [best(faces) for faces in finds]
    overlaps = pair_overlaps(truth, np.array(boxes, dtype=np.float32))[known]
    count = int(known.sum())
    yield row_of(name, model, "found", count, rate(int((overlaps >= HALF).sum()), count))
    yield row_of(name, model, "mean IoU", count, estimate(lambda one: float(one.mean()), overlaps))


def central_faces(images: Sequence[Image]) -> tuple[FloatArray, np.ndarray[Any, Any]]:
    """YuNet's face over the middle of each image, (N, 4), and where there is one, (N,)."""
    with Faceprint(detector="yunet") as faceprint:
        finds = [
            one for part in chunks(images) for one in faceprint.models.detect(part, thorough=False)
        ]
    boxes = np.zeros((len(images), 4), dtype=np.float32)
    for row, (image, faces) in enumerate(zip(images, finds, strict=True)):
        middle = np.array([image.shape[1], image.shape[0]]) / 2
        for face in faces:
            if (face.box[:2] < middle).all() and (face.box[2:] > middle).all():
                boxes[row] = face.box
                break
    return boxes, boxes[:, 2] > 0


def best(faces: tuple[Face, ...]) -> FloatArray:
    """The box of the first face; of none, one that overlaps nothing."""
    return faces[0].box if faces else np.zeros(4, dtype=np.float32)


def background_rows(scenes: Scenes, detector: Detector) -> Iterator[Row]:
    """Photos without faces, those that may hold one left out."""
    clear = [k for k, scene in enumerate(scenes.scenes) if not len(scene.doubtful)]
    seen = sum(bool(detector.detect([scenes.read(k)])[0]) for k in clear)
    if clear:
        yield row_of(
            "backgrounds", detector.name, "sees a face", len(clear), rate(seen, len(clear))
        )


def speed_rows(names: Sequence[str], frame: Image) -> Iterator[Row]:
    """Milliseconds for a photo, on one core, by turns."""
    photo = np.asarray(cv2.resize(frame, (640, 480)), dtype=np.uint8)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with Faceprint() as faceprint:
            store = weight_store(faceprint.settings)
        detectors = [load_detector(name, store, RuntimeOptions(threads=1)) for name in names]
        quickest = [float("inf")] * len(detectors)
        for _ in range(TIMED):
            for k, detector in enumerate(detectors):
                start = time.perf_counter()
                detector.detect([photo])
                quickest[k] = min(quickest[k], time.perf_counter() - start)
    finally:
        os.sched_setaffinity(0, cores)
    for name, seconds in zip(names, quickest, strict=True):
        yield row_of("640 x 480", name, "ms", TIMED, 1000 * seconds)


def frames(video: Path) -> list[Image]:
    """A frame of every fourth of a second."""
    with Video(video) as source:
        return [frame.pixels for frame in source.frames(every_s=0.25)]


def chunks(images: Sequence[Image] | Image) -> Iterator[list[Image]]:
    for start in range(0, len(images), 64):
        yield list(images[start : start + 64])


def row_of(
    name: str, detector: str, figure: str, count: int, value: Rate | Estimate | float
) -> Row:
    number, low, high = (
        (value, None, None) if isinstance(value, float) else (value.value, value.low, value.high)
    )
    return {
        "set": name,
        "detector": Path(detector).name,
        "figure": figure,
        "count": count,
        "value": round(number, 4),
        "low": "" if low is None else round(low, 4),
        "high": "" if high is None else round(high, 4),
    }


if __name__ == "__main__":
    typer.run(main)
