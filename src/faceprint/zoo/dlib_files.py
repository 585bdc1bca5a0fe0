"""Reads the networks in dlib's files, and nothing but named arrays.

Such a file lists the layers in the order in which they are computed, each with its name before its numbers.
The reader goes from name to name; what it does not know (how training went) lies between and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from faceprint.errors import WeightsCorruptError
from faceprint.types import FloatArray

__all__ = ["Layer", "fold_convolution", "read_layers"]

_NAMES: Final = re.compile(
    rb"\x01(?:\x0aloss_mmod_|\x15input_rgb_image_sized|\x17input_rgb_image_pyramid|\x05con_4"
    rb"|\x07affine_|\x07bn_con2|\x04fc_2|\x05relu_|\x0amax_pool_2|\x0aavg_pool_2|\x09add_prev_)"
)
_BATCH_NORM_EPSILON: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer of a file.

    Attributes:
        name: What dlib calls it, as in "con_4".
        arrays: (K,) float32 each. Of an input what is subtracted from red, green and blue; of a convolution
            its weights and then its biases; of a scale (`affine_`) and of a batch norm (`bn_con2`) the
            factors and then what is added; of `loss_mmod_` the width and the height of the window and the
            overlap at which one find suppresses another.
    """

    name: str
    arrays: tuple[FloatArray, ...] = ()


def read_layers(data: bytes, *, name: str) -> tuple[Layer, ...]:
    """The layers of a network, first to last.

    Args:
        data: The file, whose digest was checked.
        name: Of the file, for messages.

    Raises:
        WeightsCorruptError: It holds no network, or ends in the middle of one.
    """
    try:
        layers = tuple(_layers(data))
    except (IndexError, OverflowError, ValueError) as error:
        raise WeightsCorruptError(
            f"{name} ends in the middle of a layer ({error}). Use the file that the card names."
        ) from error
    if not layers:
        raise WeightsCorruptError(
            f"{name} holds no network of dlib's. Use the file that the card names."
        )
    return layers


def fold_convolution(
    layers: Sequence[Layer], *, channels: int, kernel: int
) -> tuple[FloatArray, FloatArray]:
    """A convolution with the scale or the batch norm behind it, if there is one, as one convolution.

    Args:
        layers: One or both.
        channels: That go in.
        kernel: Side.

    Returns:
        Weights (out, channels, kernel, kernel) and biases (out,), float32.

    Raises:
        WeightsCorruptError: It is of another shape.
    """
    values = layers[0].arrays[0].astype(np.float64)
    width, rest = divmod(len(values), channels * kernel**2 + 1)
    scale, shift = np.ones(width), np.zeros(width)
    if len(layers) > 1:
        scale, shift = np.split(layers[1].arrays[0].astype(np.float64), 2)
    if rest or len(scale) != width:
        raise WeightsCorruptError(
            f"A convolution of {channels} channels and {kernel} × {kernel} pixels was expected, got "
            f"{len(values)} weights for {len(scale)} channels. Use the file that the card names."
        )
    weights = values[: len(values) - width].reshape(width, channels, kernel, kernel)
    bias = values[len(values) - width :] * scale + shift
    return (weights * scale[:, None, None, None]).astype(np.float32), bias.astype(np.float32)


def _layers(data: bytes) -> Iterator[Layer]:
    reader = _Reader(data)
    while (name := reader.find_name()) is not None:
        arrays: tuple[FloatArray, ...] = ()
        if name.startswith("input_rgb_image"):
            arrays = (np.array([reader.fraction() for _ in range(3)], dtype=np.float32),)
        elif name == "loss_mmod_":
            arrays = (_read_mmod(reader),)
        elif name in ("con_4", "affine_"):
            arrays = (reader.tensor(),)
        elif name == "bn_con2":
            arrays = (_read_batch_norm(reader),)
        elif name == "fc_2":
            reader.whole(), reader.whole()
            arrays = (reader.tensor(),)
        yield Layer(name, arrays)


def _read_mmod(reader: _Reader) -> FloatArray:
    _, width, height = [reader.whole() for _ in range(3)]
    *_, overlap = [reader.fraction() for _ in range(4)]
    return np.array([width, height, overlap], dtype=np.float32)


def _read_batch_norm(reader: _Reader) -> FloatArray:
    """The factors and what is added, as they are once training is over."""
    factors, added = np.split(reader.tensor().astype(np.float64), 2)
    for _ in range(2 * 5):  # where each half of the tensor begins
        reader.whole()
    _, _, means, variances = (reader.tensor().astype(np.float64) for _ in range(4))
    factors = factors / np.sqrt(variances + _BATCH_NORM_EPSILON)
    return np.concatenate([factors, added - factors * means]).astype(np.float32)


class _Reader:
    """Goes through the bytes of a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def find_name(self) -> str | None:
        """The next name of a layer; None if there is no other."""
        found = _NAMES.search(self._data, self._place)
        if found is None:
            return None
        self._place = found.end()
        return found[0][2:].decode()

    def whole(self) -> int:
        """A whole number: how many bytes it has, with a bit for the sign, and then these, lowest first."""
        size, negative = self._data[self._place] & 0x0F, self._data[self._place] & 0x80
        end = self._place + 1 + size
        value = int.from_bytes(self._data[self._place + 1 : end], "little")
        self._place = end
        return -value if negative else value

    def fraction(self) -> float:
        """A whole number and a power of two."""
        whole = self.whole()
        return whole * 2.0 ** self.whole()

    def tensor(self) -> FloatArray:
        """A version and four sides, and then the numbers: (K,) float32."""
        sides = [self.whole() for _ in range(5)][1:]
        count = int(np.prod(sides))
        values = np.frombuffer(self._data, "<f4", count, self._place)
        self._place += 4 * count
        return values.astype(np.float32)
