"""Parsing without a network: where heads are in aligned crops, GrabCut, and colours.

Rother, Kolmogorov, Blake, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts", SIGGRAPH
2004. Nothing was learnt: shapes drawn by hand around the five landmarks, which lie at known places of an
aligned crop, say where each class may be; GrabCut tells the person from what is behind; histograms of
colours, begun at those places, tell skin, hair and clothes apart. Brows, eyes, nose and lips are put where
the landmarks have them and are not looked for. It knows neither hats nor glasses.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, label

from faceprint.parse.classes import CLASSES, number_of
from faceprint.parse.network import check_crops
from faceprint.runtime import RuntimeOptions
from faceprint.types import FloatArray, Image, Labels
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["GrabCutParser", "build"]

_Mask = npt.NDArray[np.bool_]

_SIDE: Final = 160
_EYES_MIDDLE: Final = (79.5, 76.3)
_EYES_APART: Final = 30.76
_NOSE_DOWN: Final = 0.574
_MOUTH_DOWN: Final = 1.154
_MOUTH_ACROSS: Final = 0.414
"""Where crops of the alignment `head-160` have the landmarks: pixels, then distances between the eyes."""

_PARTS: Final = ("background", "skin", "right ear", "left ear", "neck", "clothes", "hair")
"""What has a place and a colour; the rest is put on top."""

_COLOURS: Final = ((0,), (1, 2, 3, 4), (5,), (6,))
"""Which of them share colours."""

_HAIR: Final = (6,)

_BINS: Final = (24, 32, 32)
_ROUNDS: Final = 3
_CUTS: Final = 2
_FLAT: Final = 2.0
"""Grey levels that vary less than this show nothing to cut by."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> GrabCutParser:
    """The parser of the card; it runs on the CPU, whatever the options.

    Raises:
        LicenceRefusedError: `commercial_only` forbids it.
    """
    store.files(card)
    return GrabCutParser(card)


class GrabCutParser:
    """Tells skin, hair, neck, clothes and background apart by place and colour.

    Args:
        card: What it is called.
    """

    def __init__(self, card: ModelCard) -> None:
        self.name = card.name
        self.model_id = card.model_id
        self.crop_size_px = _SIDE
        self.alignment: str = card.alignment
        known = {*_PARTS, *(name for name, _ in _features())}
        self.classes = tuple(name for name in CLASSES if name in known)

    def parse(self, crops: Image) -> Labels:
        """Class numbers (N, 160, 160) of (N, 160, 160, 3) crops.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        check_crops(crops, _SIDE, name=self.name)
        labels = np.zeros(crops.shape[:3], dtype=np.uint8)
        for crop, out in zip(crops, labels, strict=True):
            out[:] = _parse(crop)
        return labels


def _parse(crop: Image) -> Labels:
    prior = _places()
    if float(crop.std()) < _FLAT:
        shares = prior
    else:
        person = _cut(crop, 1 - prior[0])
        shares = _by_colour(crop, prior, person)
    numbers = np.array([number_of(name) for name in _PARTS], dtype=np.uint8)
    found: Labels = numbers[shares.argmax(axis=0)]
    skin = _connected(found == number_of("skin"), _face())
    found[(found == number_of("skin")) & ~skin] = number_of("background")
    for name, mask in _features():
        found[mask & skin] = number_of(name)
    return found


def _cut(crop: Image, person: FloatArray) -> FloatArray:
    """How likely each pixel belongs to the person, (160, 160), by GrabCut."""
    mask = np.where(person > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[person > 0.97], mask[person < 0.03] = cv2.GC_FGD, cv2.GC_BGD
    backwards, forwards = np.zeros((1, 65)), np.zeros((1, 65))
    # It draws lots to begin with, and the same crop shall give the same answer.
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(crop[:, :, ::-1])
    cv2.grabCut(bgr, mask, (0, 0, 1, 1), backwards, forwards, _CUTS, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    likely: FloatArray = np.clip(0.15 + 0.7 * gaussian_filter(inside, 1.0), 0.05, 0.95)
    return likely


def _by_colour(crop: Image, prior: FloatArray, person: FloatArray) -> FloatArray:
    """What each pixel shows, by place, by GrabCut, and by colours learnt from this crop alone.

    Returns:
        (7, 160, 160) shares of `_PARTS`.
    """
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.int32)
    bins = ((lab[..., 0] // 11) * 32 + lab[..., 1] // 8) * 32 + lab[..., 2] // 8
    before = prior.copy()
    before[0] *= 1 - person
    before[1:] *= person
    before /= before.sum(axis=0)
    shares, other = before, 1 - _likeness(bins, _face())
    for _ in range(_ROUNDS):
        likely = np.empty_like(before)
        for group in _COLOURS:
            weights = np.asarray(sum(shares[part] for part in group))
            # What has the colours of the face says little of the colours of hair.
            seen = weights * other if group == _HAIR else weights
            likely[list(group)] = _histogram(bins, seen)[bins]
        shares = before * likely
        shares = _smooth(lab[..., 0].astype(np.float32), shares / shares.sum(axis=0))
    return shares


def _histogram(bins: npt.NDArray[np.int32], weights: FloatArray) -> FloatArray:
    counts = np.bincount(bins.ravel(), weights.ravel(), minlength=int(np.prod(_BINS)))
    soft = gaussian_filter(counts.reshape(_BINS), (1.2, 1.0, 1.0), mode="nearest").ravel()
    shares: FloatArray = (soft / (soft.sum() + 1e-6) + 2e-6).astype(np.float32)
    return shares


def _likeness(bins: npt.NDArray[np.int32], face: _Mask) -> FloatArray:
    """How much the colour of each pixel is that of most of the face: (160, 160), 0 to 0.9."""
    found = _histogram(bins, face.astype(np.float32))[bins]
    share: FloatArray = np.minimum(found / np.median(found[face]), 1) * 0.9
    return share


def _smooth(grey: FloatArray, shares: FloatArray) -> FloatArray:
    """Shares made even within edges (He, Sun, Tang, Guided Image Filtering, ECCV 2010)."""
    window = (9, 9)
    mean = cv2.blur(grey, window)
    variance = cv2.blur(grey * grey, window) - mean * mean + 30
    even = np.empty_like(shares)
    for one, out in zip(shares, even, strict=True):
        own = cv2.blur(one, window)
        slope = (cv2.blur(grey * one, window) - mean * own) / variance
        out[:] = cv2.blur(slope, window) * grey + cv2.blur(own - slope * mean, window)
    np.clip(even, 1e-5, 1, out=even)
    even /= even.sum(axis=0)
    return even


def _connected(mask: _Mask, seed: _Mask) -> _Mask:
    """What of a mask hangs together with a seed."""
    numbers, _ = label(mask)
    reached = np.unique(numbers[seed & mask])
    joined: _Mask = np.isin(numbers, reached[reached > 0])
    return joined


@lru_cache(maxsize=1)
def _grid() -> tuple[FloatArray, FloatArray]:
    """Columns and rows of the crop from the middle between the eyes, in distances between the eyes."""
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    x, y = _EYES_MIDDLE
    return (columns - x) / _EYES_APART, (rows - y) / _EYES_APART


def _ellipse(x: float, y: float, across: float, down: float) -> FloatArray:
    """How far pixels lie from the middle of an ellipse; 1 on its edge."""
    columns, rows = _grid()
    distance: FloatArray = np.hypot((columns - x) / across, (rows - y) / down)
    return distance


def _face() -> _Mask:
    """What is face in nearly every crop."""
    return _ellipse(0, 0.5, 0.8, 1.0) < 1


@lru_cache(maxsize=1)
def _places() -> FloatArray:
    """How likely each pixel of any crop shows each of `_PARTS`: (7, 160, 160) float32."""
    columns, rows = _grid()
    aside = np.abs(columns)
    skull, face = _ellipse(0, 0.1, 1.45, 2.1), _ellipse(0, 0.4, 1.08, 1.5)
    above, below = rows < 1.5, rows >= 1.5
    places = np.full((len(_PARTS), _SIDE, _SIDE), 0.02, dtype=np.float32)
    background, skin, right, left, neck, clothes, hair = places
    background[above] = np.clip((skull[above] - 0.85) * 2.5, 0.02, 1)
    hair[above] = np.clip(1.6 - skull[above], 0.03, 0.8)
    skin[(face < 1.15) & (rows < 1.6)] = 0.35
    skin[face < 0.9] = 5.0
    hair[(face < 0.9) & (rows > -0.4)] = 0.05
    for one, side in ((right, columns < 0), (left, columns >= 0)):
        one[side & (aside > 0.95) & (aside < 1.4) & (rows > -0.2) & (rows < 0.9)] = 0.3
    neck[(rows > 1.2) & (rows < 2.6) & (aside < 0.95)] = 0.8
    skin[(rows > 1.75) & (face > 1)] = 0.03
    shoulders = 0.6 + 2.2 * (rows - 1.5)
    clothes[below] = np.where(aside[below] < shoulders[below], 0.6, 0.15)
    background[below] = np.where(aside[below] < shoulders[below], 0.15, 0.7)
    hair[below & (aside < 1.9)] = 0.25
    soft: FloatArray = np.stack([gaussian_filter(one, 2) for one in places])
    soft /= soft.sum(axis=0)
    return soft


@lru_cache(maxsize=1)
def _features() -> tuple[tuple[str, _Mask], ...]:
    """Where brows, eyes, nose and lips are in a face that looks into the camera."""
    columns, rows = _grid()
    lips = _ellipse(0, _MOUTH_DOWN + 0.02, _MOUTH_ACROSS + 0.06, 0.2) < 1
    end = _NOSE_DOWN + 0.14
    wide = 0.1 + 0.24 * np.clip((rows + 0.1) / end, 0, 1)
    return (
        ("nose", (rows > 0) & (rows < end) & (np.abs(columns) < wide)),
        ("right brow", _ellipse(-0.53, -0.31, 0.35, 0.085) < 1),
        ("left brow", _ellipse(0.53, -0.31, 0.35, 0.085) < 1),
        ("right eye", _ellipse(-0.5, 0, 0.25, 0.1) < 1),
        ("left eye", _ellipse(0.5, 0, 0.25, 0.1) < 1),
        ("upper lip", lips & (rows < _MOUTH_DOWN)),
        ("lower lip", lips & (rows >= _MOUTH_DOWN)),
    )
