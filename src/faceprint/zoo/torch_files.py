"""Reads PyTorch's state dicts without PyTorch, and nothing but named arrays.

Such a file is a pickle, and a pickle can name any function and have it called. This reader carries
out the few commands that a state dict is written with, knows the names of what it is made of
(ordered dictionaries, tensors, storages), answers each with a stand-in of its own that can do
nothing else, and refuses every other. Sizes are checked before memory is taken.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from faceprint.errors import WeightsCorruptError
from faceprint.types import Array

__all__ = ["read_state_dict"]

_MAX_BYTES = 1024 * 2**20
_MAX_DIMENSIONS = 64
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_COUNT = struct.Struct("<q")
_DTYPES: dict[str, np.dtype[Any]] = {
    "HalfStorage": np.dtype("<f2"),
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "ShortStorage": np.dtype("<i2"),
    "IntStorage": np.dtype("<i4"),
    "LongStorage": np.dtype("<i8"),
    "BoolStorage": np.dtype("?"),
}
# Texts, whole numbers, containers and memory of pickle's protocol 2. What makes objects of classes,
# sets (whose members are hashed) or calls extensions is left out.
_COMMANDS = (
    pickle.PROTO,
    pickle.STOP,
    pickle.MARK,
    pickle.NONE,
    pickle.NEWTRUE,
    pickle.NEWFALSE,
    pickle.BININT,
    pickle.BININT1,
    pickle.BININT2,
    pickle.LONG1,
    pickle.BINUNICODE,
    pickle.SHORT_BINSTRING,
    pickle.BINSTRING,
    pickle.EMPTY_TUPLE,
    pickle.TUPLE1,
    pickle.TUPLE2,
    pickle.TUPLE3,
    pickle.TUPLE,
    pickle.EMPTY_LIST,
    pickle.APPEND,
    pickle.APPENDS,
    pickle.SETITEM,
    pickle.SETITEMS,
    pickle.BINPUT,
    pickle.LONG_BINPUT,
    pickle.BINGET,
    pickle.LONG_BINGET,
    pickle.GLOBAL,
    pickle.REDUCE,
    pickle.NEWOBJ,
    pickle.BINPERSID,
)
# What reading raises when the bytes make no sense.
_GARBLED = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def read_state_dict(content: bytes, *, name: str) -> Mapping[str, Array]:
    """The tensors of a state dict that `torch.save` wrote, in its old or its zip format.

    Args:
        content: The file.
        name: What to call it in messages.

    Returns:
        The tensors by name, in the order of the file; each has a copy of its own.

    Raises:
        WeightsCorruptError: The file is damaged, cut short, unpacks to more than 1 GiB, or holds
            anything but named tensors of common number types.
    """
    try:
        read = _read_zip if content.startswith(b"PK") else _read_old
        entries, storages = read(content, name)
        return MappingProxyType(_arrays_of(entries, storages))
    except _GARBLED as error:
        raise WeightsCorruptError(
            f"{name} should hold named tensors, as torch.save writes them, and nothing else, and "
            f"does not: {_why(error)}. Get the file again from its publisher."
        ) from error


def _why(error: Exception) -> str:
    match error:
        case KeyError(args=(int(command), *_)):
            return f"its bytes ask for command {command} of a pickle, which no state dict has"
        case KeyError():
            return f"{error} is missing in it"
        case IndexError():
            return "its bytes ask for more than came before them"
    return str(error) or type(error).__name__


def _read_old(content: bytes, name: str) -> tuple[object, dict[str, Array]]:
    """Magic number, version, system, the pickle, the list of storages, and their bytes."""
    stream = io.BytesIO(content)
    if _Unpickler(stream, name).load() != _MAGIC or _Unpickler(stream, name).load() != _PROTOCOL:
        raise ValueError("it does not begin as such a file does")
    system = _Unpickler(stream, name).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("its numbers are not little-endian")
    unpickler = _Unpickler(stream, name)
    entries = unpickler.load()
    keys = _Unpickler(stream, name).load()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise TypeError("its storages are not listed")
    if sorted(keys) != sorted(unpickler.storages):
        raise ValueError("its list of storages is not that of its tensors")
    storages = {}
    for key in keys:
        storage = unpickler.storages[key]
        (count,) = _COUNT.unpack(stream.read(_COUNT.size))
        if count != storage.count:
            raise ValueError(f"storage {key} has {count} numbers, {storage.count} expected")
        storages[key] = storage.read(stream.read(storage.size_bytes))
    return entries, storages


def _read_zip(content: bytes, name: str) -> tuple[object, dict[str, Array]]:
    """An archive of one folder, with the pickle in data.pkl and each storage in data/KEY."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("two of its members have one name")
        folders = [path[:-8] for path in members if path.endswith("/data.pkl")]
        if len(folders) != 1:
            raise ValueError("it should have one data.pkl")

        def read(path: str) -> bytes:
            member = members[f"{folders[0]}{path}"]
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(content):
                raise ValueError(f"{path} is packed, which tensors never are")
            return archive.read(member)

        if f"{folders[0]}byteorder" in members and read("byteorder") != b"little":
            raise ValueError("its numbers are not little-endian")
        unpickler = _Unpickler(io.BytesIO(read("data.pkl")), name)
        entries = unpickler.load()
        if sum(storage.size_bytes for storage in unpickler.storages.values()) > len(content):
            raise ValueError("its storages are larger than the file")
        storages = {
            key: storage.read(read(f"data/{key}")) for key, storage in unpickler.storages.items()
        }
        return entries, storages


def _arrays_of(entries: object, storages: Mapping[str, Array]) -> dict[str, Array]:
    if not isinstance(entries, dict):
        raise TypeError(f"a {type(entries).__name__} instead of named tensors")
    arrays: dict[str, Array] = {}
    room = _MAX_BYTES
    for name, entry in entries.items():
        tensor = entry.tensor if isinstance(entry, _Parameter) else entry
        if not isinstance(tensor, _Tensor):
            raise TypeError(f"{name[:80]} is not a tensor")
        room -= tensor.size_bytes
        if room < 0:
            raise ValueError(f"its tensors take more than {_MAX_BYTES} bytes")
        arrays[name] = tensor.cut(storages[tensor.storage.key])
    return arrays


class _Storage:
    """A run of numbers that tensors are cut from."""

    __slots__ = ("count", "dtype", "key")

    def __init__(self, key: str, dtype: np.dtype[Any], count: int) -> None:
        self.key, self.dtype, self.count = key, dtype, count

    @property
    def size_bytes(self) -> int:
        return self.count * self.dtype.itemsize

    def read(self, content: bytes) -> Array:
        if len(content) != self.size_bytes:
            raise EOFError(f"storage {self.key} has {len(content)} of {self.size_bytes} bytes")
        return np.frombuffer(content, self.dtype)


class _Tensor:
    """A part of a storage: where it begins, its shape, and the step of each of its dimensions."""

    __slots__ = ("shape", "start", "steps", "storage")

    def __init__(
        self, storage: _Storage, start: int, shape: tuple[int, ...], steps: tuple[int, ...]
    ) -> None:
        last = start + sum((side - 1) * step for side, step in zip(shape, steps, strict=True))
        if math.prod(shape) and last >= storage.count:
            raise ValueError(f"a tensor reaches beyond its storage {storage.key}")
        self.storage, self.start, self.shape, self.steps = storage, start, shape, steps

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.storage.dtype.itemsize

    def cut(self, numbers: Array) -> Array:
        if not self.size_bytes:
            return np.zeros(self.shape, numbers.dtype)
        steps = [step * numbers.itemsize for step in self.steps]
        view = np.lib.stride_tricks.as_strided(numbers[self.start :], self.shape, steps)
        return np.array(view, order="C")


class _Parameter:
    """Stands for a tensor that training changes, as early PyTorch wrote all of them.

    Its tensor comes with it, or in the first of five parts of its state.
    """

    __slots__ = ("tensor",)
    tensor: object

    def __new__(cls, tensor: object = None, *_training: object) -> _Parameter:
        made = super().__new__(cls)
        made.tensor = tensor
        return made

    def take(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) == 5:
            self.tensor = state[0]


class _Entries(dict[str, object]):
    """Stands for an ordered dictionary. Its names are texts, so that hashing them is quick."""

    def __setitem__(self, key: str, value: object) -> None:
        if not isinstance(key, str):
            raise TypeError("a name that is not a text")
        super().__setitem__(key, value)


class _StorageType:
    """Stands for a class of storages."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


class _Call:
    """Stands for a function."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)


class _Unpickler(pickle._Unpickler):
    """The pickle machine in Python, which reads no further than it must, with few commands."""

    stack: list[object]

    def __init__(self, stream: io.BytesIO, name: str) -> None:
        super().__init__(stream)
        self._file_name = name
        self.storages: dict[str, _Storage] = {}
        self._known: dict[tuple[str, str], object] = {
            ("collections", "OrderedDict"): _Call(_entries),
            ("torch._utils", "_rebuild_tensor"): _Call(_rebuild_tensor),
            ("torch._utils", "_rebuild_tensor_v2"): _Call(_rebuild_tensor),
            ("torch._utils", "_rebuild_parameter"): _Call(_Parameter),
            ("torch.nn.parameter", "Parameter"): _Parameter,
        }
        self._known |= {("torch", title): _StorageType(dtype) for title, dtype in _DTYPES.items()}

    def load_empty_dict(self) -> None:
        """A plain dictionary is held to the same as an ordered one."""
        self.stack.append(_Entries())

    def load_build(self) -> None:
        """Passes over the versions that a state dict keeps of its modules; only parameters have state."""
        state = self.stack.pop()
        made = self.stack[-1]
        if isinstance(made, _Parameter):
            made.take(state)
        elif not isinstance(made, _Entries):
            raise TypeError("something other than named tensors is to be changed")

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        **{command[0]: pickle._Unpickler.dispatch[command[0]] for command in _COMMANDS},
        pickle.EMPTY_DICT[0]: load_empty_dict,
        pickle.BUILD[0]: load_build,
    }

    def find_class(self, module: str, name: str, /) -> Any:
        """A stand-in for one of the known names."""
        known = self._known.get((module, name))
        if known is None:
            raise WeightsCorruptError(
                f"{self._file_name} asks for {module}.{name}, which weights have no need of. "
                "Nothing was loaded. Get the file again from its publisher."
            )
        return known

    def persistent_load(self, pid: object) -> _Storage:
        """The storage that a tensor asks for by (`storage`, class, key, device, count[, view])."""
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
            raise TypeError("an object of unknown kind lies outside the pickle")
        kind, key, count = pid[1], pid[2], pid[4]
        if (
            not isinstance(kind, _StorageType)
            or not isinstance(key, str)
            or pid[5:] not in ((), (None,))
        ):
            raise TypeError("a storage of unknown kind")
        if type(count) is not int or not 0 <= count * kind.dtype.itemsize <= _MAX_BYTES:
            raise ValueError(f"storage {key} has an impossible size")
        known = self.storages.setdefault(key, _Storage(key, kind.dtype, count))
        if (known.dtype, known.count) != (kind.dtype, count):
            raise ValueError(f"storage {key} has two sizes")
        return known


def _entries(*pairs: object) -> _Entries:
    """An ordered dictionary, empty, or as Python 2 wrote it: with all that it holds in one list."""
    made = _Entries()
    if pairs:
        (held,) = pairs
        if not isinstance(held, list) or not held:
            raise TypeError("an ordered dictionary of something other than pairs")
        for name, tensor in held:
            made[name] = tensor
    return made


def _rebuild_tensor(
    storage: object, start: object, shape: object, steps: object, *_training: object
) -> _Tensor:
    if not isinstance(storage, _Storage) or type(start) is not int or start < 0:
        raise TypeError("a tensor without a storage")
    return _Tensor(storage, start, _sizes(shape), _sizes(steps))


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) > _MAX_DIMENSIONS:
        raise TypeError("a tensor without a shape")
    if not all(type(n) is int and n >= 0 for n in value):
        raise TypeError("a tensor of unknown shape")
    return value
