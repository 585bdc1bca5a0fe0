"""Reads arrays out of the pickles that some publishers ship weights in, and nothing but arrays.

A pickle can name any function and have it called. This reader knows three names (an array's
wrapper, its class and its dtype), answers each with a harmless stand-in of its own, and refuses
every other. It is meant for files whose digest has been checked; it stays safe without that.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from typing import ClassVar

import lz4.frame  # type: ignore[import-untyped]
import numpy as np

from faceprint.errors import WeightsCorruptError
from faceprint.types import Array

__all__ = ["read_joblib"]

_MAX_BYTES = 64 * 2**20
_DTYPES = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "i8": np.int64}
# What the pickle machine raises when its bytes make no sense.
_GARBLED = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    struct.error,
)


def read_joblib(content: bytes, *, name: str) -> tuple[Array, ...]:
    """The arrays of a list that joblib wrote with lz4 compression.

    Args:
        content: The file.
        name: What to call it in messages.

    Returns:
        The arrays in the order of the list, each float32, float64, int32 or int64.

    Raises:
        WeightsCorruptError: The file is damaged, unpacks to more than 64 MiB, or holds anything
            but a list of arrays.
    """
    stream = io.BytesIO(_decompress(content, name))
    try:
        entries = _ArrayUnpickler(stream, name).load()
        if not isinstance(entries, list):
            raise TypeError(f"a {type(entries).__name__} instead of a list")
        return tuple(_array_of(entry) for entry in entries)
    except _GARBLED as error:
        raise WeightsCorruptError(
            f"{name} should hold a list of arrays and nothing else, and does not: "
            f"{error or type(error).__name__}. Get the file again from its publisher."
        ) from error


def _decompress(content: bytes, name: str) -> bytes:
    decompressor = lz4.frame.LZ4FrameDecompressor()
    try:
        unpacked: bytes = decompressor.decompress(content, max_length=_MAX_BYTES)
    except RuntimeError as error:
        raise WeightsCorruptError(
            f"{name} should be an lz4 frame, and is not: {error}. Get the file again from its "
            "publisher."
        ) from error
    if not decompressor.eof:
        raise WeightsCorruptError(
            f"{name} is cut short, or unpacks to more than {_MAX_BYTES} bytes. "
            "Get the file again from its publisher."
        )
    return unpacked


def _array_of(entry: object) -> Array:
    if not isinstance(entry, _StoredArray):
        raise TypeError(f"a {type(entry).__name__} instead of an array")
    return entry.array


class _ArrayUnpickler(pickle._Unpickler):
    """The pickle machine in Python: the one in C reads ahead, into the arrays between commands."""

    def __init__(self, stream: io.BytesIO, name: str) -> None:
        super().__init__(stream)
        self._file_name = name
        self._known: dict[tuple[str, str], type] = {
            ("joblib.numpy_pickle", "NumpyArrayWrapper"): type(
                "_StoredArrayOfStream", (_StoredArray,), {"stream": stream}
            ),
            ("numpy", "ndarray"): _ArrayClass,
            ("numpy", "dtype"): _StoredDtype,
        }

    def find_class(self, module: str, name: str, /) -> type:
        """A stand-in for one of the three known names."""
        known = self._known.get((module, name))
        if known is None:
            raise WeightsCorruptError(
                f"{self._file_name} asks for {module}.{name}, which weights have no need of. "
                "Nothing was loaded. Get the file again from its publisher."
            )
        return known


class _ArrayClass:
    """Stands for numpy.ndarray, which the wrapper names and this reader does not need."""


class _StoredDtype:
    """Stands for numpy.dtype."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.byte_order = ""

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.byte_order = str(state[1])


class _StoredArray:
    """Stands for joblib's wrapper: it describes an array, whose bytes come next in the stream."""

    stream: ClassVar[io.BytesIO]
    array: Array

    def __setstate__(self, state: dict[str, object]) -> None:
        shape, stored = state["shape"], state["dtype"]
        if not isinstance(stored, _StoredDtype) or stored.byte_order != "<":
            raise TypeError("an array of unknown type")
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise TypeError("an array of unknown shape")
        dtype = np.dtype(_DTYPES[stored.code])
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self.stream.read(1)[0]
            self.stream.read(padding)
        flat = np.frombuffer(self.stream.read(math.prod(shape) * dtype.itemsize), dtype)
        self.array = flat.reshape(shape, order="F" if state["order"] == "F" else "C")
