"""How well the passive check tells simulated photos of photos from the photos themselves.

    faceprint models pull minifasnet
    python benchmarks/liveness.py --data ../shared/data --out benchmarks/liveness.csv

Nothing here was photographed again: `rephotographing.py` simulates prints and screens, and the same camera
before the scene itself. The photos are portraits of people/, LFW's pairsDevTest (250 pixels, faces of about
100) and every fifth frame of a video. `threshold_95` is the score that passes 95 % of the genuine photos of
that source, so a reader of the last column knows more than anybody does before a camera.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu

from faceprint.detect import load_detector
from faceprint.errors import WeightsMissingError
from faceprint.liveness import load_liveness
from faceprint.match import rate
from faceprint.media import find_photos, read_image
from faceprint.media.video import Video
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.settings import read_settings
from faceprint.types import Detector, Face, Image, LivenessModel
from machine import describe_machine, write_csv
from mtcnn import pair_photos
from rephotographing import framed, genuine, printed, screened

console = Console()
ATTACKS = {"print": printed, "screen": screened}
FIXED = 0.5
PASSED = 0.95
Photos = Iterator[tuple[str, Image]]


@dataclass(slots=True)
class Scores:
    """Of one source: genuine ones, those of each attack, and captures in which no face was found."""

    genuine: list[float] = field(default_factory=list)
    attacks: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ATTACKS})
    no_face: dict[str, int] = field(default_factory=dict)


def main(
    data: Annotated[
        Path, typer.Option(help="Folder of lfw/, people/ and video/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    photos: Annotated[int, typer.Option(help="How many photos of LFW.")] = 120,
    model: Annotated[str, typer.Option(help="Card name.")] = "minifasnet",
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Scores photos, simulated prints and simulated screens."""
    machine = describe_machine()
    settings = read_settings()
    store, options = weight_store(settings), runtime_options(settings)
    try:
        liveness = load_liveness(model, store, options)
    except WeightsMissingError as error:
        console.print(f"Not run: {error}")
        raise typer.Exit(1) from error
    detector = load_detector("yunet", store, options)
    backdrops = [read_image(path).pixels for path in find_photos([data / "negatives"])]
    found: dict[str, Scores] = {}
    for source, photo in drawn(data, photos):
        look(photo, found.setdefault(source, Scores()), backdrops, detector, liveness)
    rows = [row | machine for row in results(found)]
    show(rows)
    if out is not None:
        write_csv(out, rows)


def drawn(data: Path, photos: int) -> Photos:
    """Photos with the name of their source."""
    for path in find_photos([data / "people"]):
        for _ in range(4):  # each with other draws
            yield "people", read_image(path).pixels
    for path in random.Random(0).sample(pair_photos(data / "lfw"), photos):
        yield "lfw", read_image(path).pixels
    with Video(data / "video" / "interview.mp4") as video:
        for k, frame in enumerate(video.frames()):
            if k % 5 == 0:
                yield "video", frame.pixels


def look(
    photo: Image,
    scores: Scores,
    backdrops: list[Image],
    detector: Detector,
    liveness: LivenessModel,
) -> None:
    """Scores one photo, a print of it and a screen that shows it."""
    face = largest(photo, detector)
    if face is None:
        return
    rng = np.random.default_rng(len(scores.genuine) + 1000 * len(photo))
    part = framed(photo, face.box, rng)
    backdrop = backdrops[int(rng.integers(len(backdrops)))]
    kinds = {"genuine": (genuine(part, rng), scores.genuine)}
    kinds |= {
        name: (attack(part, backdrop, rng), scores.attacks[name])
        for name, attack in ATTACKS.items()
    }
    for name, (picture, taken) in kinds.items():
        seen = largest(picture, detector)
        if seen is None:
            scores.no_face[name] = scores.no_face.get(name, 0) + 1
        else:
            taken.append(float(liveness.score([picture], [[seen]])[0][0]))


def largest(picture: Image, detector: Detector) -> Face | None:
    """The largest face of a picture."""
    return max(detector.detect([picture])[0], key=lambda face: face.area, default=None)


def results(found: dict[str, Scores]) -> Iterator[dict[str, object]]:
    """Rows of the CSV."""
    every = Scores()
    for scores in found.values():
        every.genuine += scores.genuine
        for name in ATTACKS:
            every.attacks[name] += scores.attacks[name]
        for name, count in scores.no_face.items():
            every.no_face[name] = every.no_face.get(name, 0) + count
    for source, scores in (*found.items(), ("all", every)):
        people = np.array(scores.genuine)
        threshold = float(np.quantile(people, 1 - PASSED))
        refused = rate(int((people < FIXED).sum()), len(people))
        for name in ATTACKS:
            spoofs = np.array(scores.attacks[name])
            passed = rate(int((spoofs >= FIXED).sum()), len(spoofs))
            passed_there = rate(int((spoofs >= threshold).sum()), len(spoofs))
            area = mannwhitneyu(people, spoofs).statistic / (len(people) * len(spoofs))
            yield {
                "source": source,
                "simulated": name,
                "genuine": len(people),
                "spoofs": len(spoofs),
                "no_face": scores.no_face.get(name, 0),
                "auc": round(float(area), 4),
                "genuine_refused_at_0.5": round(refused.value, 4),
                "spoofs_passed_at_0.5": round(passed.value, 4),
                "spoofs_passed_at_0.5_low": round(passed.low, 4),
                "spoofs_passed_at_0.5_high": round(passed.high, 4),
                "threshold_95": round(threshold, 4),
                "spoofs_passed_at_threshold_95": round(passed_there.value, 4),
            }


def show(rows: list[dict[str, object]]) -> None:
    """The rows as a table, without the machine."""
    heads = list(rows[0])[:12]
    table = Table(*heads)
    for row in rows:
        table.add_row(*(str(row[head]) for head in heads))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
