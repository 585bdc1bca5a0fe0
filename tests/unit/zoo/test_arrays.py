"""The reader of weights takes arrays and refuses everything else."""

import io
import os
import pickle
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import lz4.frame  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprint.errors import WeightsCorruptError
from faceprint.types import Array
from faceprint.zoo.arrays import read_joblib


def joblib_file(arrays: Sequence[Array]) -> bytes:
    """What joblib writes of a list of arrays, in an lz4 frame."""
    stream = io.BytesIO()
    joblib.dump(list(arrays), stream)
    return bytes(lz4.frame.compress(stream.getvalue()))


def test_reads_what_joblib_writes() -> None:
    arrays: tuple[Array, ...] = (
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.zeros((0, 2), np.float64),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
    )
    found = read_joblib(joblib_file(arrays), name="two.lz4")
    assert len(found) == 3
    for wanted, array in zip(arrays, found, strict=True):
        assert array.dtype == wanted.dtype
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize(("network", "count"), [("pnet", 13), ("rnet", 16), ("onet", 21)])
def test_reads_the_published_weights(network: str, count: int) -> None:
    path = metadata.distribution("mtcnn").locate_file(f"mtcnn/assets/weights/{network}.lz4")
    arrays = read_joblib(Path(str(path)).read_bytes(), name=network)
    assert len(arrays) == count
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert all(np.isfinite(array).all() and array.std() > 0 for array in arrays)


class _Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_runs_nothing_that_a_pickle_asks_for(tmp_path: Path) -> None:
    target = tmp_path / "made"
    content = lz4.frame.compress(pickle.dumps([_Hostile(target)]))
    with pytest.raises(WeightsCorruptError, match="mkdir"):
        read_joblib(content, name="bad.lz4")
    assert not target.exists()


def test_refuses_other_names_of_numpy() -> None:
    content = lz4.frame.compress(pickle.dumps([np.zeros(1, np.float32)]))
    with pytest.raises(WeightsCorruptError, match=r"numpy\._core\.multiarray"):
        read_joblib(content, name="bad.lz4")


def test_an_empty_list_holds_no_arrays() -> None:
    assert read_joblib(lz4.frame.compress(pickle.dumps([])), name="empty.lz4") == ()


@pytest.mark.parametrize("entries", [{"a": 1}, [1, 2], ["text"], ((),)], ids=str)
def test_refuses_what_is_not_a_list_of_arrays(entries: object) -> None:
    content = lz4.frame.compress(pickle.dumps(entries))
    with pytest.raises(WeightsCorruptError, match=r"bad\.lz4"):
        read_joblib(content, name="bad.lz4")


def test_refuses_arrays_of_objects() -> None:
    content = lz4.frame.decompress(joblib_file([np.zeros(2, np.int64)])).replace(b"i8", b"O8")
    with pytest.raises(WeightsCorruptError, match="O8"):
        read_joblib(lz4.frame.compress(content), name="bad.lz4")


def test_refuses_more_than_64_mib() -> None:
    bomb = lz4.frame.compress(bytes(65 * 2**20))
    assert len(bomb) < 2**20
    with pytest.raises(WeightsCorruptError, match="67108864"):
        read_joblib(bomb, name="bomb.lz4")


def test_refuses_what_is_cut_short() -> None:
    whole = joblib_file([np.arange(100, dtype=np.float32)])
    with pytest.raises(WeightsCorruptError, match="cut short"):
        read_joblib(whole[:-8], name="short.lz4")
    inside = lz4.frame.compress(lz4.frame.decompress(whole)[:300])
    with pytest.raises(WeightsCorruptError, match=r"short\.lz4"):
        read_joblib(inside, name="short.lz4")


@given(st.binary(max_size=200))
def test_refuses_noise(noise: bytes) -> None:
    with pytest.raises(WeightsCorruptError):
        read_joblib(noise, name="noise.lz4")


@given(place=st.integers(2, 230), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_still_only_arrays(place: int, value: int) -> None:
    content = bytearray(lz4.frame.decompress(joblib_file([np.arange(6, dtype=np.float32)])))
    content[place % len(content)] = value
    try:
        found = read_joblib(lz4.frame.compress(bytes(content)), name="damaged.lz4")
    except WeightsCorruptError:
        return
    assert all(array.dtype.kind in "fi" for array in found)
