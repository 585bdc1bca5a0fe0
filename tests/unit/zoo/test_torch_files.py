"""The reader of state dicts takes what torch.save writes, and refuses everything else."""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faceprint.errors import WeightsCorruptError
from faceprint.zoo.torch_files import read_state_dict

FORMATS = [True, False]
DTYPES = [
    torch.float16,
    torch.float32,
    torch.float64,
    torch.int8,
    torch.uint8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.bool,
]


def saved(entries: object, *, packed: bool) -> bytes:
    stream = io.BytesIO()
    torch.save(entries, stream, _use_new_zipfile_serialization=packed)
    return stream.getvalue()


def example() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    whole = torch.randn(6, 5)
    return OrderedDict(
        {
            "whole": whole,
            "turned": whole.T,
            "part": whole[2:4, 1:4],
            "repeated": torch.randn(3, 1).expand(3, 4),
            "count": torch.tensor(7),
            "nothing": torch.zeros(0, 4),
        }
    )


@pytest.mark.parametrize("packed", FORMATS)
def test_reads_what_torch_saves(packed: bool) -> None:
    entries = example()
    found = read_state_dict(saved(entries, packed=packed), name="some.pt")
    assert list(found) == list(entries)
    for name, tensor in entries.items():
        np.testing.assert_array_equal(found[name], tensor.numpy())
        assert found[name].dtype == tensor.numpy().dtype
        assert found[name].flags.c_contiguous
        assert found[name].flags.owndata


@pytest.mark.parametrize("packed", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_reads_common_number_types(dtype: torch.dtype, packed: bool) -> None:
    tensor = torch.tensor([0, 1, 3, 100]).to(dtype)
    found = read_state_dict(saved({"some": tensor}, packed=packed), name="some.pt")
    np.testing.assert_array_equal(found["some"], tensor.numpy())
    assert found["some"].dtype == tensor.numpy().dtype


@pytest.mark.parametrize("packed", FORMATS)
def test_reads_the_state_of_a_module(packed: bool) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    state = module.state_dict()
    found = read_state_dict(saved(state, packed=packed), name="some.pt")
    assert {name: array.shape for name, array in found.items()} == {
        name: tuple(tensor.shape) for name, tensor in state.items()
    }


class Hostile:
    """Asks for a call when it is loaded."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.asked = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.asked


@pytest.mark.parametrize("packed", FORMATS)
def test_runs_nothing_that_a_pickle_asks_for(packed: bool, tmp_path: Path) -> None:
    target = tmp_path / "made"
    content = saved({"some": Hostile(os.mkdir, str(target))}, packed=packed)
    with pytest.raises(WeightsCorruptError, match=r"bad\.pt asks for .*mkdir"):
        read_state_dict(content, name="bad.pt")
    assert not target.exists()


@pytest.mark.parametrize("packed", FORMATS)
@pytest.mark.parametrize("name", ["set", "getattr", "eval", "OrderedDict.fromkeys"])
def test_refuses_other_names(name: str, packed: bool) -> None:
    functions: dict[str, Callable[..., Any]] = {
        "set": set,
        "getattr": getattr,
        "eval": eval,
        "OrderedDict.fromkeys": OrderedDict.fromkeys,
    }
    with pytest.raises(WeightsCorruptError):
        read_state_dict(saved({"a": Hostile(functions[name], "b", "c")}, packed=packed), name="x")


@pytest.mark.parametrize("packed", FORMATS)
@pytest.mark.parametrize(
    "entries",
    [[torch.zeros(2)], torch.zeros(2), {"epoch": 3}, {1: torch.zeros(2)}, {"a": {"b": 1}}, None],
    ids=str,
)
def test_refuses_what_is_not_named_tensors(entries: object, packed: bool) -> None:
    with pytest.raises(WeightsCorruptError, match=r"bad\.pt"):
        read_state_dict(saved(entries, packed=packed), name="bad.pt")


@pytest.mark.parametrize("packed", FORMATS)
def test_refuses_numbers_that_numpy_does_not_have(packed: bool) -> None:
    content = saved({"a": torch.zeros(2, dtype=torch.bfloat16)}, packed=packed)
    with pytest.raises(WeightsCorruptError, match="BFloat16Storage"):
        read_state_dict(content, name="bad.pt")


@pytest.mark.parametrize("packed", FORMATS)
def test_every_truncation_is_refused(packed: bool) -> None:
    content = saved({"a": torch.arange(20.0), "b": torch.ones(3)}, packed=packed)
    for length in range(0, len(content), 7):
        with pytest.raises(WeightsCorruptError):
            read_state_dict(content[:length], name="short.pt")
    with pytest.raises(WeightsCorruptError):
        read_state_dict(content[:-1], name="short.pt")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"text", b"\x80\x02."])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(WeightsCorruptError):
        read_state_dict(content, name="other.pt")


# --- pickles written by hand ---------------------------------------------------------------------


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(count: int, *, key: str = "0", kind: str = "FloatStorage") -> bytes:
    asked = text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu")
    return b"(" + asked + number(count) + b"tQ"


def tensor(count: int, start: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> bytes:
    arguments = storage(count) + number(start) + numbers(shape) + numbers(steps)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"\x89}tR"


def archive(pickled: bytes, **members: bytes) -> bytes:
    """A zip file of that pickle, with 16 bytes in storage 0."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        zipped.writestr("some/data.pkl", b"\x80\x02" + pickled + b".")
        zipped.writestr("some/data/0", struct.pack("<4f", 1, 2, 3, 4))
        for name, content in members.items():
            zipped.writestr(f"some/{name}", content)
    return stream.getvalue()


def entries(value: bytes) -> bytes:
    return b"}" + text("a") + value + b"s"


def test_a_pickle_written_by_hand_is_read() -> None:
    found = read_state_dict(archive(entries(tensor(4, 1, (1, 2), (2, 1)))), name="some.pt")
    np.testing.assert_array_equal(found["a"], [[2, 3]])


@pytest.mark.parametrize(
    ("start", "shape", "steps"),
    [
        (0, (5,), (1,)),
        (4, (1,), (1,)),
        (0, (2, 2), (3, 2)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (-2,), (1,)),
        (0, (2,), ()),
        (0, (2**31 - 1, 2**31 - 1), (0, 0)),
        (0, (1,) * 65, (1,) * 65),
    ],
)
def test_tensors_stay_within_their_storage_and_within_bounds(
    start: int, shape: tuple[int, ...], steps: tuple[int, ...]
) -> None:
    with pytest.raises(WeightsCorruptError):
        read_state_dict(archive(entries(tensor(4, start, shape, steps))), name="bad.pt")


PARTS = {
    "a storage is not a tensor": entries(storage(4)),
    "too small a storage": entries(tensor(3, 0, (1,), (1,))),
    "too large a storage": entries(tensor(5, 0, (1,), (1,))),
    "an impossible storage": entries(tensor(-1, 0, (0,), (1,))),
    "a storage that is not there": entries(storage(4, key="9")),
    "a storage twice, of two kinds": b"}"
    + text("a")
    + tensor(4, 0, (1,), (1,))
    + b"s"
    + text("b")
    + storage(2, kind="DoubleStorage")
    + b"s",
    "a change to a tensor": entries(
        tensor(4, 0, (1,), (1,)) + b"N}" + text("start") + b"K\x63s\x86b"
    ),
    "a change to a storage": entries(storage(4) + b"N}" + text("count") + b"K\x63s\x86b"),
    "a change to a function": entries(b"ctorch._utils\n_rebuild_tensor_v2\n}b"),
    "a call of a class": b"ccollections\nOrderedDict\n(]tR",
    "a call of a storage class": b"ctorch\nFloatStorage\n)R",
    "an object of a class": b"(ccollections\nOrderedDict\no",
    "an object made anew": b"ccollections\nOrderedDict\n)\x81",
    "an object of a class by name": b"(icollections\nOrderedDict\n",
    "a set": entries(b"\x8f"),
    "a name that takes forever to hash": b"})" + b"q\x00h\x00\x86" * 200 + b"Ns",
    "an extension": b"\x82\x01",
    "an empty stack": b"0",
    "another name": b"cos\nsystem\n" + text("true") + b"\x85R",
    "another name, of protocol 4": text("os") + text("system") + b"\x93",
}


@pytest.mark.parametrize("pickled", PARTS.values(), ids=PARTS)
def test_hostile_pickles_are_refused(pickled: bytes) -> None:
    with pytest.raises(WeightsCorruptError):
        read_state_dict(archive(pickled), name="bad.pt")


WORDS = {
    "an unknown command": (b"\x95", "command 149 of a pickle"),
    "an empty stack": (b"\x85" + b"R", "more than came before them"),
    "a storage that is not there": (entries(storage(4, key="9")), "'some/data/9' is missing"),
}


@pytest.mark.parametrize(("pickled", "words"), WORDS.values(), ids=WORDS)
def test_messages_tell_what_is_wrong(pickled: bytes, words: str) -> None:
    with pytest.raises(WeightsCorruptError, match=words):
        read_state_dict(archive(pickled), name="bad.pt")


def test_members_must_be_as_torch_writes_them() -> None:
    good = entries(tensor(4, 0, (4,), (1,)))
    assert list(read_state_dict(archive(good, byteorder=b"little"), name="good.pt")) == ["a"]
    with pytest.raises(WeightsCorruptError, match="little-endian"):
        read_state_dict(archive(good, byteorder=b"big"), name="bad.pt")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("some/data.pkl", b"\x80\x02" + good + b".")
        zipped.writestr("some/data/0", bytes(16))
    with pytest.raises(WeightsCorruptError, match="packed"):
        read_state_dict(stream.getvalue(), name="bad.pt")


def old_file(system: object = None, keys: object = None, count: int = 4) -> bytes:
    system = {"little_endian": True} if system is None else system
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system)]
    body = b"\x80\x02" + entries(tensor(4, 0, (4,), (1,))) + b"."
    tail = pickle.dumps(["0"] if keys is None else keys, 2) + struct.pack("<q", count)
    return b"".join(head) + body + tail + struct.pack("<4f", 1, 2, 3, 4)


def test_the_old_format_is_held_to_its_own_word() -> None:
    np.testing.assert_array_equal(read_state_dict(old_file(), name="a")["a"], [1, 2, 3, 4])
    for wrong in (
        old_file(system={"little_endian": False}),
        old_file(system=[]),
        old_file(keys=[]),
        old_file(keys=["0", "0"]),
        old_file(keys=[1]),
        old_file(keys={"0": 0}),
        old_file(count=5),
        old_file(count=-4),
    ):
        with pytest.raises(WeightsCorruptError):
            read_state_dict(wrong, name="bad.pt")


@given(st.data(), st.booleans())
def test_damage_is_refused_or_leaves_arrays(data: st.DataObject, packed: bool) -> None:
    content = bytearray(saved({"a": torch.arange(6.0), "b": torch.ones(2)}, packed=packed))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_state_dict(bytes(content), name="damaged.pt")
    except WeightsCorruptError:
        return
    assert all(isinstance(array, np.ndarray) and array.size < 100 for array in found.values())
