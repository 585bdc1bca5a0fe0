"""The search for backgrounds that a cascade still takes for faces."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.integral import Grey, squared_sums, summed
from faceprint.detect.viola_jones.lookups import Lookups
from faceprint.geometry import iou_matrix
from faceprint.train.cascade.kernels import scan_level
from faceprint.train.recipes.cascade import BackgroundConfig
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.windows import scene_windows
from faceprint.types import FloatArray

__all__ = ["Mine", "Mined"]

_TURNS: Final = 8
"""Ways to look at a photo: four quarter turns, each also mirrored."""
_AT_ONCE: Final = 16
_DOUBTFUL: Final = 0.2
"""A background overlaps a place that may be a face by at most this share of the smaller one."""
_TOUCHING: Final = 0.2
"""The same for faces: one that overlaps more is a part of a face, or shows it too small."""
_MOST_HITS: Final = 20_000
_TRIED: Final = 16
"""So many times the windows that are wanted of a photo are compared with the places of faces."""


@dataclass(frozen=True, slots=True, eq=False)
class Mined:
    """What a search found.

    Attributes:
        windows: (N, S, S) uint8.
        beside: (N,) whether each touches a face.
        next_view: Where the next search goes on.
        seen: Windows that were looked at.
    """

    windows: Grey
    beside: npt.NDArray[np.bool_]
    next_view: int
    seen: int


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A photo as one look has it: turned, with the places that are no background."""

    grey: Grey
    faces: FloatArray
    doubtful: FloatArray
    first_scale: float
    shifts: tuple[int, int]


class Mine:
    """Photos, looked at in an endless order that depends on the seed alone.

    A round shows each photo once, and those without faces in all eight ways; the next round shows them in
    another order, another way, and at sizes between.

    Args:
        scenes: The photos.
        config: How to look.
        seed: Of the order.
        threads: That look.
    """

    def __init__(
        self, scenes: Scenes, config: BackgroundConfig, *, seed: int, threads: int = 2
    ) -> None:
        self._scenes = scenes
        self._config = config
        self._seed = seed
        self._threads = threads
        self._entries = np.array(
            [
                (number, turn)
                for number, scene in enumerate(scenes.scenes)
                for turn in (range(_TURNS) if scene.background else (0,))
            ],
            dtype=np.int64,
        ).reshape(-1, 2)
        self._photos: dict[int, Grey] = {}

    def mine(self, lookups: Lookups, wanted: int, *, beside: int, start: int) -> Mined:
        """Looks until so many windows pass the cascade, or all rounds are over.

        Args:
            lookups: The cascade so far.
            wanted: How many windows.
            beside: How many of them may touch a face.
            start: The view to begin with.
        """
        side = lookups.side_px
        found, touching = [np.zeros((0, side, side), dtype=np.uint8)], [np.zeros(0, dtype=np.bool_)]
        left, left_beside, seen, view = wanted, beside, 0, start
        end = start + self._config.rounds * len(self._entries)
        with ThreadPoolExecutor(self._threads) as threads:
            while left > 0 and view < end:
                some = range(view, min(view + _AT_ONCE, end))
                looks = threads.map(lambda number: self._look(lookups, number), some)
                for number, (windows, near, looked_at) in zip(some, looks, strict=True):
                    if left > 0:
                        taken = ~near | (np.cumsum(near) <= left_beside)
                        taken &= np.cumsum(taken) <= left
                        found.append(windows[taken])
                        touching.append(near[taken])
                        left -= int(taken.sum())
                        left_beside -= int(near[taken].sum())
                        seen, view = seen + looked_at, number + 1
        return Mined(np.concatenate(found), np.concatenate(touching), view, seen)

    def _look(self, lookups: Lookups, number: int) -> tuple[Grey, npt.NDArray[np.bool_], int]:
        """Windows of one view that pass, at most so many as a photo may give; and how many it has."""
        random = np.random.default_rng([self._seed, number, 1])
        view = self._view(number, random)
        side, seen = lookups.side_px, 0
        found: list[Grey] = []
        near: list[bool] = []
        for level, scale in self._levels(view, side):
            hits, looked_at = self._hits(lookups, level, view.shifts)
            seen += looked_at
            some = random.permutation(len(hits))[: _TRIED * self._config.per_photo]
            hits = hits[np.sort(some)]
            corners = hits.astype(np.float32)
            places = np.concatenate([corners, corners + side], axis=1) * np.float32(scale)
            free, touching = self._judge(places, view)
            for x, y in hits[free]:
                found.append(level[y : y + side, x : x + side])
            near += touching[free].tolist()
        chosen = np.sort(random.permutation(len(found))[: self._config.per_photo])
        windows = np.array([found[k] for k in chosen], dtype=np.uint8).reshape(-1, side, side)
        return windows, np.array(near, dtype=np.bool_)[chosen], seen

    def _hits(
        self, lookups: Lookups, level: Grey, shifts: tuple[int, int]
    ) -> tuple[npt.NDArray[np.int64], int]:
        sums = summed(level)
        found = np.empty((_MOST_HITS, 2), dtype=np.int64)
        step, side = self._config.step, lookups.side_px
        count = scan_level(
            sums,
            squared_sums(level),
            side,
            step,
            *shifts,
            lookups.offsets(sums.shape[1]),
            lookups.weights,
            lookups.counts,
            lookups.thresholds,
            lookups.polarities,
            lookups.alphas,
            lookups.starts,
            lookups.limits,
            found,
        )
        spans = [
            max(0, -(-(length - side + 1 - shift) // step))
            for length, shift in zip(level.shape[::-1], shifts, strict=True)
        ]
        return found[:count], spans[0] * spans[1]

    def _levels(self, view: _View, side: int) -> Iterator[tuple[Grey, float]]:
        """The view ever smaller, with the pixels of the view in one of its own."""
        scale = view.first_scale
        while min(view.grey.shape) / scale >= side:
            height, width = (round(length / scale) for length in view.grey.shape)
            small = cv2.resize(view.grey, (width, height), interpolation=cv2.INTER_AREA)
            yield np.asarray(small, dtype=np.uint8), scale
            scale *= self._config.scale

    def _judge(
        self, places: FloatArray, view: _View
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which windows are background, and which touch a face."""
        faces = (iou_matrix(places, view.faces) > self._config.overlap).any(axis=1)
        doubtful = iou_matrix(places, view.doubtful, of_smaller=True) > _DOUBTFUL
        touching = iou_matrix(places, view.faces, of_smaller=True) > _TOUCHING
        return ~np.asarray(faces | doubtful.any(axis=1)), np.asarray(touching.any(axis=1))

    def _view(self, number: int, random: np.random.Generator) -> _View:
        turn, place = divmod(number, len(self._entries))
        order = np.random.default_rng([self._seed, turn, 0]).permutation(len(self._entries))
        scene, own_turn = (int(one) for one in self._entries[order[place]])
        way = (turn + own_turn) % _TURNS
        grey = self._photo(scene)
        height, width = grey.shape
        faces = scene_windows(self._scenes.scenes[scene])
        turned = np.rot90(grey, way % 4)
        return _View(
            np.ascontiguousarray(turned[:, ::-1] if way >= 4 else turned),
            _turned(faces, width, height, way),
            _turned(self._scenes.scenes[scene].doubtful, width, height, way),
            float(self._config.scale ** random.random()),
            (int(random.integers(self._config.step)), int(random.integers(self._config.step))),
        )

    def _photo(self, scene: int) -> Grey:
        if scene not in self._photos:
            self._photos[scene] = self._scenes.grey(scene)
        return self._photos[scene]


def _turned(boxes: FloatArray, width: int, height: int, way: int) -> FloatArray:
    """Boxes of a photo as `numpy.rot90` turns it, and then as in a mirror where the way is 4 or more."""
    x1, y1, x2, y2 = boxes.reshape(-1, 4).T
    for _ in range(way % 4):
        x1, y1, x2, y2 = y1, width - x2, y2, width - x1
        width, height = height, width
    if way >= 4:
        x1, x2 = width - x2, width - x1
    return np.stack([x1, y1, x2, y2], axis=1).astype(np.float32)
