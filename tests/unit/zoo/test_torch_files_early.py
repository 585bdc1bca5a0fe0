"""Files of PyTorch's first year, among them VGG16's, are read as PyTorch itself reads them."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest
import torch

from faceprint.errors import WeightsCorruptError
from faceprint.zoo.torch_files import read_state_dict

VALUES = np.arange(6, dtype=np.float32)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


STORAGE = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x06NtQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor\n(" + STORAGE + b"K\x00K\x03K\x02\x86K\x02K\x01\x86tR"
PARAMETER = b"ctorch.nn.parameter\nParameter\n"
ENTRIES = {
    "tensors": TENSOR,
    "a parameter with its tensor": PARAMETER + TENSOR + b"\x85R",
    "a parameter and its state": PARAMETER + b")\x81(" + TENSOR + b"N}\x88\x89tb",
    "a parameter made with its tensor, and the rest of its state": (
        PARAMETER + TENSOR + b"\x85\x81\x88\x89}\x87b"
    ),
}


def file_of(pickled: bytes) -> bytes:
    """A file of before the zip format, with one storage."""
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, SYSTEM)]
    tail = pickle.dumps(["0"], 2) + struct.pack("<q", len(VALUES)) + VALUES.tobytes()
    return b"".join(head) + b"\x80\x02" + pickled + b"." + tail


SYSTEM = {"little_endian": True, "protocol_version": 1001, "type_sizes": {}}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize("dictionary", ["of Python 2", "of Python 3"])
def test_early_files_are_read_as_pytorch_reads_them(entry: bytes, dictionary: str) -> None:
    ordered = b"ccollections\nOrderedDict\n"
    if dictionary == "of Python 2":
        content = file_of(ordered + b"(]]" + text("a") + b"a" + entry + b"aatR")
    else:
        content = file_of(ordered + b")R" + text("a") + entry + b"s")
    wanted = torch.load(io.BytesIO(content), weights_only=True)["a"].detach().numpy()
    found = read_state_dict(content, name="early.pth")
    assert list(found) == ["a"]
    np.testing.assert_array_equal(found["a"], VALUES.reshape(3, 2))
    np.testing.assert_array_equal(found["a"], wanted)


@pytest.mark.parametrize("packed", [True, False])
def test_parameters_of_today_are_read(packed: bool) -> None:
    entries = {"a": torch.nn.Parameter(torch.randn(3, 2)), "b": torch.ones(2)}
    stream = io.BytesIO()
    torch.save(entries, stream, _use_new_zipfile_serialization=packed)
    found = read_state_dict(stream.getvalue(), name="today.pth")
    for name, tensor in entries.items():
        np.testing.assert_array_equal(found[name], tensor.detach().numpy())


REFUSED = {
    "a parameter of nothing": PARAMETER + b")R",
    "a parameter of a number": PARAMETER + b"K\x01\x85R",
    "a parameter of a storage": PARAMETER + STORAGE + b"\x85R",
    "a parameter of a parameter": PARAMETER + PARAMETER + TENSOR + b"\x85R\x85R",
    "a parameter whose state is no tensor": PARAMETER + b")\x81(K\x01N}\x88\x89tb",
    "a change to the class": PARAMETER + b"(" + TENSOR + b"N}\x88\x89tb",
    "an object of a text": text("some") + b")\x81",
    "an object of a function": b"ctorch._utils\n_rebuild_tensor\n)\x81",
    "an object of a storage class": b"ctorch\nFloatStorage\n)\x81",
}


@pytest.mark.parametrize("entry", REFUSED.values(), ids=REFUSED)
def test_nothing_else_is_made_of_them(entry: bytes) -> None:
    content = file_of(b"}" + text("kept") + TENSOR + b"s" + text("a") + entry + b"s")
    with pytest.raises(WeightsCorruptError):
        read_state_dict(content, name="bad.pth")
