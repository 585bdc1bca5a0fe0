"""Video: how much faster than it plays is a video looked through, and written with names?

    python benchmarks/video.py --data ../shared/data --out benchmarks/video.csv

Each video is identified and then written with names, as `faceprint video identify` does it, against a
gallery of a few people. `times_real_time` is the length of the video over the time taken. `hamilton`
is resized to 720p first. The parts of the work are timed alone too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from faceprint import Call, Consent, Faceprint
from faceprint.media.video import Video, VideoWriter
from faceprint.pipeline.video.labelling import write_labelled
from faceprint.pipeline.video.results import VideoIdentification, VideoPlan
from machine import describe_machine, write_csv

console = Console()
CALL = Call(actor="benchmark", purpose="video")
CONSENT = Consent.given("A public research set.", "benchmark", by="benchmark")


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds video/ and people/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    rounds: Annotated[int, typer.Option(help="How often all is repeated.")] = 3,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Times videos from file to timeline and to the labelled video."""
    machine = describe_machine()
    with TemporaryDirectory(prefix="video-") as name:
        folder = Path(name)
        videos = {
            "street (1080p)": data / "video/street.mp4",
            "hamilton (720p)": enlarge(data / "video/hamilton.mp4", folder / "hamilton.mp4", 720),
            "hamilton": data / "video/hamilton.mp4",
            "interview": data / "video/interview.mp4",
        }
        rows: list[dict[str, object]] = []
        with Faceprint(gallery=str(folder / "gallery.db")) as faceprint:
            for person in sorted((data / "people/train").iterdir()):
                photos = sorted(person.iterdir())
                faceprint.enrol(person.name, photos, call=CALL, consent=CONSENT, largest=True)
            for title, video in videos.items():
                rows += measure(faceprint, title, video, folder, rounds)
    show(rows)
    if out is not None:
        write_csv(out, [row | machine for row in rows])
        console.print(f"Written: {out}")


def enlarge(source: Path, target: Path, height: int) -> Path:
    """The video at another height, with its sound."""
    with Video(source) as video:
        info = video.info
        width = round(info.width * height / info.height / 2) * 2
        with VideoWriter(
            target, width=width, height=height, fps=info.fps or 25, sound_from=source
        ) as writer:
            for frame in video.frames():
                pixels = cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_CUBIC)
                writer.write(np.asarray(pixels, dtype=np.uint8), frame.time_s)
    return target


def measure(
    faceprint: Faceprint, title: str, video: Path, folder: Path, rounds: int
) -> Iterator[dict[str, object]]:
    """A row for each stage of one video."""
    found: VideoIdentification = faceprint.identify_video(video, call=CALL)  # also loads the models
    length_s = found.to_s - found.from_s
    stages: dict[str, Callable[[], object]] = {
        "decode": lambda: decode(video),
        "identify": lambda: faceprint.identify_video(video, call=CALL),
        "identify, each frame": lambda: faceprint.identify_video(
            video, call=CALL, plan=VideoPlan(every=1)
        ),
        "labelled": lambda: write_labelled(found, video, folder / "labelled.mp4"),
    }
    taken: dict[str, list[float]] = {stage: [] for stage in stages}
    for _ in range(rounds):
        for stage, run in stages.items():
            started = perf_counter()
            run()
            taken[stage].append(perf_counter() - started)
    taken["identify + labelled"] = [
        sum(pair) for pair in zip(taken["identify"], taken["labelled"], strict=True)
    ]
    for stage, seconds in taken.items():
        yield {
            "video": title,
            "width": found.info.width,
            "height": found.info.height,
            "frames": found.frames,
            "length_s": f"{length_s:.2f}",
            "detect_every": 1 if stage.endswith("each frame") else found.detect_every,
            "tracks": len(found.tracks),
            "people": len(found.people),
            "stage": stage,
            "seconds": f"{median(seconds):.2f}",
            "seconds_min": f"{min(seconds):.2f}",
            "seconds_max": f"{max(seconds):.2f}",
            "times_real_time": f"{length_s / median(seconds):.2f}",
        }


def decode(video: Path) -> None:
    """Reads all frames."""
    with Video(video) as opened:
        for _ in opened.frames():
            pass


def show(rows: list[dict[str, object]]) -> None:
    """Prints what matters."""
    columns = ("video", "stage", "detect_every", "tracks", "people", "seconds", "times_real_time")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
