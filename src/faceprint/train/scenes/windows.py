"""Square windows cut out of scenes: around faces, and where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from faceprint.detect.viola_jones.framing import window_around, window_of
from faceprint.errors import TrainingError
from faceprint.geometry import iou_matrix
from faceprint.train.data.records import IntArray
from faceprint.train.scenes.records import GreyArray, Scene, Scenes
from faceprint.types import FloatArray

__all__ = ["Jitter", "background_windows", "cut_windows", "face_windows", "scene_windows"]

_TOUCHING: Final = 0.05
"""A background overlaps a face, or a place where one may be, by at most this share of the smaller one."""
_TRIES: Final = 8
_ROUNDS: Final = 6


@dataclass(frozen=True, slots=True)
class Jitter:
    """How copies of a window lie off the face's own one, each as a spread from -1 to 1 times these.

    Attributes:
        copies: Of each face, besides the window itself.
        shift: Sideways and up or down, in sides of the window.
        scale: Of the side, as a factor from 1 / (1 + scale) to 1 + scale.
        turn: Degrees.
    """

    copies: int = 0
    shift: float = 0.03
    scale: float = 0.06
    turn: float = 6.0


_STILL: Final = Jitter()


def scene_windows(scene: Scene) -> FloatArray:
    """The windows of the faces of a scene: by their landmarks, else by their boxes; (K, 4) float32 pixels."""
    windows = window_of(scene.landmarks)
    unknown = np.isnan(windows).any(axis=1)
    windows[unknown] = window_around(scene.boxes[unknown])
    return windows


def face_windows(
    scenes: Scenes,
    *,
    side_px: int,
    mirrored: bool = False,
    jitter: Jitter = _STILL,
    smallest_px: float | None = None,
    seed: int = 0,
) -> tuple[GreyArray, IntArray]:
    """Windows around the faces of scenes.

    Args:
        scenes: Photos.
        side_px: Of the windows.
        mirrored: Give each of them a second time, as in a mirror.
        jitter: Copies of them that are a little off.
        smallest_px: Faces whose window is smaller in the photo are left out. Default: `side_px`.
        seed: Of the jitter.

    Returns:
        (N, S, S) uint8 grey levels, and (N,) int64, the number of the scene of each. First come those of
        the faces as they are, in the order of the scenes; then the copies; then all of these mirrored.

    Raises:
        ImageError: A photo cannot be read any more.
    """
    smallest = side_px if smallest_px is None else smallest_px
    random = np.random.default_rng(seed)
    pixels: list[list[GreyArray]] = [[] for _ in range(1 + jitter.copies)]
    rows: list[list[int]] = [[] for _ in pixels]
    for number, scene in enumerate(scenes.scenes):
        windows = scene_windows(scene)
        windows = windows[windows[:, 2] - windows[:, 0] >= smallest]
        if not len(windows):
            continue
        grey = scenes.grey(number)
        for copy in range(len(pixels)):
            places, turns = _jittered(windows, jitter, random) if copy else (windows, None)
            pixels[copy].append(cut_windows(grey, places, side_px=side_px, turns=turns))
            rows[copy] += [number] * len(windows)
    empty = np.zeros((0, side_px, side_px), dtype=np.uint8)
    cut = np.concatenate([empty, *(one for some in pixels for one in some)])
    owners = np.array([number for some in rows for number in some], dtype=np.int64)
    if mirrored:
        cut, owners = np.concatenate([cut, cut[:, :, ::-1]]), np.tile(owners, 2)
    return cut, owners


def _jittered(
    windows: FloatArray, jitter: Jitter, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Windows a little off, and by how many degrees each is turned."""
    off = random.uniform(-1, 1, (len(windows), 4))
    sides = windows[:, 2] - windows[:, 0]
    middles = (windows[:, :2] + windows[:, 2:]) / 2 + off[:, :2] * jitter.shift * sides[:, None]
    halves = (sides * (1 + jitter.scale) ** off[:, 2] / 2)[:, None]
    places = np.concatenate([middles - halves, middles + halves], axis=1)
    return places.astype(np.float32), (off[:, 3] * jitter.turn).astype(np.float32)


def cut_windows(
    grey: GreyArray, windows: FloatArray, *, side_px: int, turns: FloatArray | None = None
) -> GreyArray:
    """Squares of a photo at one size, each pixel the mean of those that it stands for.

    Beyond the photo its border goes on.

    Args:
        grey: (H, W) uint8, or (H, W, C).
        windows: (N, 4) float32 pixels, squares.
        side_px: Of what is cut.
        turns: (N,) float32 degrees; a window that is turned clockwise shows the face turned the other way.

    Returns:
        (N, S, S) uint8, or (N, S, S, C).
    """
    shape = (len(windows), side_px, side_px, *grey.shape[2:])
    cut: GreyArray = np.empty(shape, dtype=np.uint8)
    for row, (x1, y1, x2, _) in enumerate(windows.astype(np.float64)):
        turn = 0.0 if turns is None else float(turns[row])
        fine = side_px * max(1, round((x2 - x1) / side_px))
        matrix = _onto(x1, y1, x2 - x1, fine, turn)
        large = cv2.warpAffine(
            grey,
            matrix,
            (fine, fine),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        cut[row] = cv2.resize(large, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return cut


def _onto(left: float, top: float, side: float, fine: int, turn: float) -> FloatArray:
    """(2, 3) matrix from the pixels of a cut to those of the photo; both have their middle at a half."""
    step, angle = side / fine, np.deg2rad(turn)
    across = step * np.array([np.cos(angle), np.sin(angle)])
    down = step * np.array([-np.sin(angle), np.cos(angle)])
    middle = np.array([left, top]) + side / 2 - 0.5
    start = middle - (across + down) * (fine - 1) / 2
    return np.stack([across, down, start], axis=1).astype(np.float32)


def background_windows(
    scenes: Scenes,
    count: int,
    *,
    side_px: int,
    smallest_px: float | None = None,
    seed: int = 0,
) -> tuple[GreyArray, IntArray]:
    """Windows at random places and sizes that touch no face, and no place where one may be.

    Photos are drawn by their area. Sizes go from the smallest to the shorter side of the photo, small ones
    as often as large ones by their logarithm.

    Args:
        scenes: Photos.
        count: How many.
        side_px: Of the windows.
        smallest_px: In the photo. Default: `side_px`.
        seed: Of the draw.

    Returns:
        (count, S, S) uint8 grey levels, and (count,) int64, the number of the scene of each, in order.

    Raises:
        ImageError: A photo cannot be read any more.
        TrainingError: There is no room for so many in the photos.
    """
    smallest = float(side_px if smallest_px is None else smallest_px)
    random = np.random.default_rng(seed)
    sizes = np.array([(scene.width, scene.height) for scene in scenes.scenes], dtype=float)
    sizes = sizes.reshape(-1, 2)
    chances = sizes.prod(axis=1) * (sizes.min(axis=1) >= smallest)
    places: dict[int, list[FloatArray]] = {}
    missing = count
    for _ in range(_ROUNDS):
        if missing <= 0 or not chances.any():
            break
        drawn = random.multinomial(missing, chances / chances.sum())
        for number in np.flatnonzero(drawn).tolist():
            scene, wanted = scenes.scenes[number], int(drawn[number])
            free = _free_places(scene, sizes[number], wanted, smallest, random)
            places.setdefault(number, []).append(free)
            missing -= len(free)
            if not len(free):
                chances[number] = 0
    if missing > 0:
        raise TrainingError(
            f"There is room for {count - missing:,} of {count:,} windows without a face in "
            f"{len(scenes):,} photos. Give more photos without faces with --backgrounds."
        )
    return _cut_places(scenes, places, side_px)


def _free_places(
    scene: Scene, size: FloatArray, wanted: int, smallest: float, random: np.random.Generator
) -> FloatArray:
    """Up to so many windows that touch nothing: (K, 4) float32 pixels."""
    draws = _TRIES * wanted
    sides = np.exp(random.uniform(np.log(smallest), np.log(size.min()), draws))
    corners = random.uniform(0, 1, (draws, 2)) * (size - sides[:, None])
    windows = np.concatenate([corners, corners + sides[:, None]], axis=1).astype(np.float32)
    touched = iou_matrix(windows, scene.occupied, of_smaller=True).max(axis=1, initial=0)
    free: FloatArray = windows[touched <= _TOUCHING][:wanted]
    return free


def _cut_places(
    scenes: Scenes, places: dict[int, list[FloatArray]], side_px: int
) -> tuple[GreyArray, IntArray]:
    cut, owners = [np.zeros((0, side_px, side_px), dtype=np.uint8)], []
    for number in sorted(places):
        windows = np.concatenate(places[number])
        cut.append(cut_windows(scenes.grey(number), windows, side_px=side_px))
        owners += [number] * len(windows)
    return np.concatenate(cut), np.array(owners, dtype=np.int64)
