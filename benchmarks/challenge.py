"""What the signals of the active challenge see: blinks, smiles and turns, of people and of photos.

    faceprint models pull fsanet
    python benchmarks/challenge.py --data ../shared/data --out benchmarks/challenge.csv

- blinks of a person: video/interview.mp4, whose ten blinks were counted by eye on a sheet of its frames, at
  several rates and sizes. Two of them follow each other so fast that the eyes open half between.
- smiles: of people of LFW's peopleDevTrain with a happy face and two others (by the network that ships), how
  often the mouth is wider in the happy one, with YuNet's landmarks and with those of O-Net.
- photos in a hand, simulated: a photo that is turned, tilted and shaken, with noise and motion blur, and how
  often it seems to blink, smile or turn, which it cannot.
- turned photos, simulated: how many are taken for a turned head, flat, and bent about an upright axis.
- films, simulated: how often a film that goes round through all deeds passes by luck. `--only films` needs no
  models and no photos, and leaves the other rows of the CSV as they are.
"""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu

from faceprint.align import ALIGNMENTS, crop
from faceprint.attributes import load_attributes
from faceprint.detect import load_detector, load_refiner
from faceprint.liveness.blinks import BlinkWatch
from faceprint.liveness.challenge import Challenge
from faceprint.liveness.signals import FaceSignals, read_signals
from faceprint.liveness.steps import ChallengeLimits, Observation, Step
from faceprint.media import read_image
from faceprint.media.video import Video
from faceprint.pipeline.live.challenge import draw_challenge
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.pose import load_pose
from faceprint.settings import read_settings
from faceprint.types import Face, Image
from machine import describe_machine, write_csv
from mtcnn import pair_photos
from rephotographing import Card, place_of

console = Console()
BLINKS = (
    (9, 14),
    (25, 31),
    (33, 37),
    (55, 60),
    (79, 83),
    (96, 100),
    (109, 113),
    (128, 133),
    (149, 153),
    (176, 182),
)
"""First and last frame of each blink of the interview, as seen by eye."""
LATE = 3
LIMITS = ChallengeLimits()
FRAME_PX = 512
FILM_ORDERS = (
    (Step.TURN_LEFT, Step.BLINK, Step.TURN_RIGHT, Step.SMILE),
    (Step.TURN_LEFT, Step.TURN_RIGHT, Step.BLINK, Step.SMILE),
)
FILM_DEEDS_S = (1.0, 1.5)
FILM_PAUSES_S = (0.0, 0.5, 1.0, 1.5, 2.0)
FILM_TRIES = 100
FILM_FPS = 15
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Tools:
    """What finds faces and says where they look."""

    find: Callable[[Image], Face | None]
    rough: Callable[[Image], Face | None]
    poses: dict[str, Callable[[Image, Face], np.ndarray]]

    def signals(self, image: Image) -> FaceSignals | None:
        """What the largest face does."""
        face = self.find(image)
        return (
            None
            if face is None
            else read_signals(image, face, self.poses["landmarks"](image, face))
        )


class Part(StrEnum):
    """What can be measured alone."""

    FILMS = "films"


@dataclass(frozen=True, slots=True)
class Film:
    """Somebody who goes round through some deeds.

    Attributes:
        order: Of the deeds.
        deed_s: How long each takes.
        pause_s: How long the face does nothing after each.
    """

    order: Sequence[Step]
    deed_s: float
    pause_s: float

    def at(self, time_s: float) -> FaceSignals:
        """What it shows."""
        number, within_s = divmod(time_s, self.deed_s + self.pause_s)
        step = self.order[int(number) % len(self.order)]
        share = within_s / self.deed_s
        if share >= 1:
            return NEUTRAL
        sides = {Step.TURN_LEFT: 35.0, Step.TURN_RIGHT: -35.0}
        yaw = sides.get(step, 0.0) * min(2 * share, 1.0)
        mouth = 1.05 if step is Step.SMILE else NEUTRAL.mouth
        closed = step is Step.BLINK and 0.4 < within_s < 0.6
        return FaceSignals(yaw, 0.0, 0.0, mouth, 0.1 if closed else 0.4, 60.0)


NEUTRAL = FaceSignals(0.0, 0.0, 0.0, 0.8, 0.4, 60.0)


def main(
    data: Annotated[
        Path, typer.Option(help="Folder of lfw/ and video/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    photos: Annotated[int, typer.Option(help="How many photos are held and turned.")] = 60,
    only: Annotated[Part | None, typer.Option(help="Measures this alone.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures each signal."""
    machine = describe_machine()
    rows = list(film_rows()) if only else all_rows(data, photos)
    table = Table("what", "how", "seen", "of", "share")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    if out is not None:
        kept = other_rows(out, rows) if only else []
        write_csv(out, [*kept, *(row | machine for row in rows)])


def all_rows(data: Path, photos: int) -> list[Row]:
    """All parts."""
    tools = load()
    chosen = frontal(data / "lfw", photos, tools)
    return [
        *blink_rows(data / "video" / "interview.mp4", tools),
        *smile_rows(data / "lfw", tools),
        *held_rows(chosen[:6], tools),
        *turn_rows(chosen, tools),
        *film_rows(),
    ]


def other_rows(path: Path, rows: Sequence[Row]) -> list[Row]:
    """What a CSV holds beside these."""
    if not path.exists():
        return []
    measured = {row["what"] for row in rows}
    with path.open(newline="", encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file) if row["what"] not in measured]


def film_rows() -> Iterator[Row]:
    """How many tries films pass, of all films together and of the best of them."""
    films = [Film(*parts) for parts in itertools.product(FILM_ORDERS, FILM_DEEDS_S, FILM_PAUSES_S)]
    kinds: tuple[tuple[str, Callable[[int], Challenge]], ...] = (
        ("each step once, one wrong turn forgiven", lambda seed: Challenge(seed=seed)),
        ("the steps of the live page", lambda seed: draw_challenge(seed=seed)),
    )
    for kind, draw in kinds:
        passed = [
            sum(film_passes(film, draw(seed), seed) for seed in range(FILM_TRIES)) for film in films
        ]
        how = f"{kind}, {len(films)} films"
        yield row("tries that films pass", how, sum(passed), len(films) * FILM_TRIES)
        yield row("tries that the best film passes", how, max(passed), FILM_TRIES)


def film_passes(film: Film, challenge: Challenge, seed: int) -> bool:
    """Whether a film passes that stands still until the steps begin, and then runs from some place on."""
    start_s = random.Random(f"film {seed}").uniform(0, 60)
    began_s: float | None = None
    for k in itertools.count():
        time_s = k / FILM_FPS
        if began_s is None and challenge.state.step is not None:
            began_s = time_s
        shown = NEUTRAL if began_s is None else film.at(start_s + time_s - began_s)
        if challenge.update(Observation(time_s, 1, 1, shown)).over:
            break
    result = challenge.result
    return result is not None and result.passed


def load() -> Tools:
    """The models of this machine."""
    settings = read_settings()
    store, options = weight_store(settings), runtime_options(settings)
    detector, refiner = load_detector("yunet", store, options), load_refiner(store, options)
    estimators = {name: load_pose(name, store, options) for name in ("landmarks", "fsanet")}

    def rough(image: Image) -> Face | None:
        return max(detector.detect([image])[0], key=lambda face: face.area, default=None)

    def find(image: Image) -> Face | None:
        face = rough(image)
        return None if face is None else refiner.refine([image], [[face]])[0][0]

    def pose(name: str) -> Callable[[Image, Face], np.ndarray]:
        return lambda image, face: estimators[name].estimate([image], [[face]])[0][0]

    return Tools(find, rough, {name: pose(name) for name in estimators})


def row(what: str, how: str, seen: int, of: int) -> Row:
    """One line of the CSV."""
    return {"what": what, "how": how, "seen": seen, "of": of, "share": round(seen / of, 4)}


def blink_rows(path: Path, tools: Tools) -> Iterator[Row]:
    """Blinks that are found and that are not there, over rates and sizes."""
    with Video(path) as video:
        frames = [frame.pixels for frame in video.frames()]
    for scale in (1.0, 0.4, 0.28):
        signals = [tools.signals(shrunk(frame, scale, k)) for k, frame in enumerate(frames)]
        eyes = float(np.median([one.eyes_px for one in signals if one is not None]))
        for step in (1, 2, 3, 5):
            found = wrong = 0
            for first in range(step):
                times = blinked(signals, range(first, len(signals), step))
                hits = {
                    k
                    for k, (start, end) in enumerate(BLINKS)
                    if any(start <= time <= end + LATE * step for time in times)
                }
                found, wrong = found + len(hits), wrong + max(len(times) - len(hits), 0)
            how = f"{25 / step:.1f} frames a second, {eyes:.0f} pixels between the eyes"
            yield row("blinks of a person found", how, found, len(BLINKS) * step)
            yield row("blinks of a person that are none", how, wrong, len(BLINKS) * step)


def shrunk(frame: Image, scale: float, seed: int) -> Image:
    """A frame as from further away, with the noise of a small sensor."""
    if scale == 1:
        return frame
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(seed).normal(0, 5, small.shape)
    noisy: Image = np.clip(small + noise, 0, 255).astype(np.uint8)
    return noisy


def blinked(signals: Sequence[FaceSignals | None], places: Sequence[int]) -> list[int]:
    """The frames with which blinks end."""
    watch = BlinkWatch()
    return [k for k in places if (one := signals[k]) is not None and watch.update(k / 25, one)]


def smile_rows(root: Path, tools: Tools) -> Iterator[Row]:
    """How often a mouth is wider in a happy face than in another of the same person."""
    settings = read_settings()
    store, options = weight_store(settings), runtime_options(settings)
    emotions = load_attributes("faceprint-emotion", store, options)
    happy: dict[str, list[tuple[float, float]]] = {}
    other: dict[str, list[tuple[float, float]]] = {}
    for path in smilers(root):
        image = read_image(path).pixels
        rough, fine = tools.rough(image), tools.find(image)
        if rough is None or fine is None or rough.landmarks is None or fine.landmarks is None:
            continue
        size = emotions.crop_size_px
        face = crop(
            image, rough.landmarks[None], alignment=ALIGNMENTS[emotions.alignment], size_px=size
        )
        told = emotions.predict(face)
        assert told.emotion is not None
        share = float(told.emotion[0][told.emotions.index("happy")])
        widths = (mouth_of(image, rough, tools), mouth_of(image, fine, tools))
        if share > 0.85:
            happy.setdefault(path.parent.name, []).append(widths)
        elif share < 0.1:
            other.setdefault(path.parent.name, []).append(widths)
    for place, name in enumerate(("YuNet", "O-Net")):
        smiles: list[float] = []
        rests: list[float] = []
        for person in happy.keys() & other.keys():
            rest = [widths[place] for widths in other[person]]
            if len(rest) < 2:
                continue
            smiles += [widths[place] / float(np.median(rest)) for widths in happy[person]]
            rests += [one / float(np.median(np.delete(rest, k))) for k, one in enumerate(rest)]
        right = mannwhitneyu(smiles, rests).statistic
        how = f"landmarks of {name}"
        yield row("pairs told right: a smile is wider", how, int(right), len(smiles) * len(rests))
        wide = 1 + LIMITS.smile
        yield row("smiles wide enough", how, int(np.sum(np.array(smiles) > wide)), len(smiles))
        yield row("other faces as wide", how, int(np.sum(np.array(rests) > wide)), len(rests))


def smilers(root: Path) -> Iterator[Path]:
    """Photos of people who have several."""
    names = [
        line.split("\t")[0] for line in (root / "peopleDevTrain.txt").read_text().splitlines()[1:]
    ]
    for name in names:
        photos = sorted((root / name).glob("*.jpg"))
        if len(photos) >= 5:
            yield from photos[:10]


def mouth_of(image: Image, face: Face, tools: Tools) -> float:
    """Width of the mouth, in distances between the eyes."""
    signals = read_signals(image, face, np.zeros(3, np.float32))
    assert signals is not None
    return signals.mouth


def frontal(root: Path, count: int, tools: Tools) -> list[Image]:
    """Photos of people who look into the camera, made larger."""
    found: list[Image] = []
    paths = pair_photos(root)
    random.Random(0).shuffle(paths)
    for path in paths:
        image = np.asarray(
            cv2.resize(
                read_image(path).pixels, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_CUBIC
            ),
            dtype=np.uint8,
        )
        signals = tools.signals(image)
        if signals is not None and abs(signals.yaw) < LIMITS.neutral_deg:
            found.append(image)
        if len(found) == count:
            break
    return found


def held_rows(photos: Sequence[Image], tools: Tools) -> Iterator[Row]:
    """What photos that are held in a hand for ten seconds are taken for."""
    for tilt, shake in ((6, 6), (15, 15), (30, 40)):
        blinks = smiles = turns = 0
        for seed, photo in enumerate(photos):
            watch, seen = BlinkWatch(), []
            for time_s, frame in in_hand(photo, tilt, shake, np.random.default_rng(seed)):
                signals = tools.signals(frame)
                if signals is not None:
                    blinks += watch.update(time_s, signals)
                    seen.append(signals)
            widths = np.array([one.mouth for one in seen])
            yaws = np.array([one.yaw for one in seen])
            smiles += in_a_row(widths > (1 + LIMITS.smile) * np.median(widths[:12]), 4)
            turns += in_a_row(np.abs(yaws - np.median(yaws[:12])) > LIMITS.turn_deg, 2)
        how = f"a hand that turns a photo by about {tilt} degrees, 10 s each"
        yield row("photos: blinks", how, blinks, len(photos))
        yield row("photos: smiles", how, smiles, len(photos))
        yield row("photos: turns", how, turns, len(photos))


def in_a_row(seen: np.ndarray, count: int) -> bool:
    """Whether so many neighbours are true."""
    return bool((np.convolve(seen, np.ones(count), "valid") >= count).any())


def in_hand(
    photo: Image, tilt: float, shake: float, rng: np.random.Generator
) -> Iterator[tuple[float, Image]]:
    """Ten seconds of a photo in a hand, twelve frames a second, blurred by its motion."""
    times = np.arange(120) / 12

    def wave(size: float, fastest: float) -> np.ndarray:
        parts = [
            np.sin(2 * np.pi * rng.uniform(0.15, fastest) * times + rng.uniform(0, 2 * np.pi))
            for _ in range(3)
        ]
        return np.asarray(size * np.sum(parts, axis=0) / 2)

    yaw, pitch, roll = wave(tilt, 0.6), wave(tilt, 0.6), wave(tilt / 3, 0.5)
    x, y = wave(shake / FRAME_PX, 1.5), wave(shake / FRAME_PX, 1.5)
    cards = [
        Card(yaw[k], pitch[k], roll[k], share=0.85, shift=(x[k], y[k])) for k in range(len(times))
    ]
    places = [place_of(card, FRAME_PX, FRAME_PX, (FRAME_PX, FRAME_PX)) for card in cards]
    for k, time_s in enumerate(times.tolist()):
        before = places[max(k - 1, 0)]
        sharp = [
            cv2.warpPerspective(
                photo,
                places[k] * (1 - share) + before * share,
                (FRAME_PX, FRAME_PX),
                borderValue=(110, 105, 100),
            )
            for share in (0.0, 0.15, 0.3, 0.45)  # the shutter is open for half the time
        ]
        frame = np.mean(sharp, axis=0) + rng.normal(0, 3, photo.shape)
        yield time_s, np.clip(frame, 0, 255).astype(np.uint8)


def turn_rows(photos: Sequence[Image], tools: Tools) -> Iterator[Row]:
    """How many turned photos are taken for turned heads."""
    for name, bent in (("flat", None), ("bent gently", 1.0), ("bent hard", 0.5)):
        for degrees in (20, 35, 50):
            counts = dict.fromkeys(tools.poses, 0)
            tried = 0
            for photo in photos:
                turned = turn(photo, degrees, bent)
                before, after = tools.find(photo), tools.find(turned)
                if before is None or after is None:
                    continue
                tried += 1
                for kind, pose in tools.poses.items():
                    change = pose(turned, after)[0] - pose(photo, before)[0]
                    counts[kind] += bool(abs(change) >= LIMITS.turn_deg)
            for kind, count in counts.items():
                how = f"{name}, turned by {degrees} degrees, told by {kind}"
                yield row("photos taken for a turned head", how, count, tried)


def turn(photo: Image, degrees: float, radius: float | None) -> Image:
    """A photo turned about an upright axis; about a cylinder of so many half widths, where bent."""
    size = (FRAME_PX, FRAME_PX)
    grey = (120, 120, 120)
    if radius is None:
        place = place_of(Card(yaw=degrees), FRAME_PX, FRAME_PX, size)
        return np.asarray(cv2.warpPerspective(photo, place, size, borderValue=grey), np.uint8)
    across = np.linspace(-1, 1, FRAME_PX)
    seen = np.abs(across) < radius
    along = (np.arcsin(np.clip(across / radius, -1, 1)) - np.radians(degrees)) * radius
    from_x = np.where(seen & (np.abs(along) <= 1), (along + 1) / 2 * (FRAME_PX - 1), -1e4)
    map_x = np.tile(from_x.astype(np.float32), (FRAME_PX, 1))
    map_y = np.tile(np.arange(FRAME_PX, dtype=np.float32)[:, None], (1, FRAME_PX))
    turned = cv2.remap(photo, map_x, map_y, cv2.INTER_LINEAR, borderValue=grey)
    return np.asarray(turned, dtype=np.uint8)


if __name__ == "__main__":
    typer.run(main)
