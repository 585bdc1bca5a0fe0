"""The files of a prepared dataset: WebDataset shards, an index part beside each, and the manifest.

A shard is an uncompressed tar of KEY.jpg (or .png) and KEY.json, side by side, as WebDataset readers take
it. Its index part says where each crop lies, so that crops can be read one by one. Both are written whole
or not at all, the index part last: a shard counts once its index part is there.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from faceprint.errors import DatasetError, OutputError
from faceprint.files import is_full, write_whole
from faceprint.train.data.records import MEASURES

__all__ = [
    "MANIFEST",
    "Crop",
    "CropFailure",
    "IndexPart",
    "Manifest",
    "PrepareOptions",
    "index_path",
    "read_index",
    "read_manifest",
    "write_file",
    "write_manifest",
    "write_shard",
]

MANIFEST: Final = "dataset.json"
_HEADER_BYTES: Final = 512

Picture = Literal["jpg", "png"]
Crops = Literal["aligned", "box", "whole"]
Read = TypeVar("Read", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PrepareOptions(_Frozen):
    """All that changes a crop: a dataset is gone on with by the same options alone.

    Attributes:
        crops: How faces are cut out.
        alignment: As model cards name it; "none" for whole photos.
        side_px: Of the crops.
        picture: How they are stored.
        detector: Card name and digest of what found the faces; "" where nothing looked for them.
        steps: What is done after detection, as the model id has it: "+onet" or "".
        engine: What ran the detector, and how.
        shard_photos: Photos of the source in a shard.
        source: SHA-256 over the names and labels of the source's photos.
    """

    crops: Crops
    alignment: str
    side_px: int
    picture: Picture
    detector: str
    steps: str
    engine: str
    shard_photos: int
    source: str


class Manifest(_Frozen):
    """What a prepared dataset is; `complete` is set once all shards are there."""

    format: Literal[1] = 1
    complete: bool
    name: str
    kind: str
    terms_name: str
    terms_commercial: Literal["allowed", "forbidden", "undocumented"]
    classes: dict[str, tuple[str, ...]]
    options: PrepareOptions
    photos: int
    crops: int = 0
    failed: int = 0
    people: int = 0
    problems: tuple[str, ...]
    command: str
    version: str
    digest: str = ""


class CropFailure(_Frozen):
    """A photo of the source that gave no crop."""

    name: str
    code: str
    reason: str


class IndexPart(_Frozen):
    """What is in one shard: a column for each thing known, all of one length, and what failed."""

    shard: str
    size: int
    sha256: str
    name: tuple[str, ...]
    offset: tuple[int, ...]
    length: tuple[int, ...]
    identity: tuple[str | None, ...]
    part: tuple[str, ...]
    photo: tuple[str, ...]
    hash: tuple[int, ...]
    labels: dict[str, tuple[float | None, ...]]
    measures: dict[str, tuple[float | None, ...]]
    failures: tuple[CropFailure, ...]


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop on its way into a shard.

    Attributes:
        key: File name in the shard, without suffix and dots.
        name: Of the sample.
        data: The encoded crop.
        photo: SHA-256 of the source photo.
        hash: Perceptual hash of the crop, 64 bits.
        identity: As in the sample.
        part: As in the sample; "" where there is none.
        labels: As in the sample.
        measures: One number for each of `MEASURES`.
    """

    key: str
    name: str
    data: bytes
    photo: str
    hash: int
    identity: str | None
    part: str
    labels: Mapping[str, float]
    measures: tuple[float, ...]


def index_path(shard: Path) -> Path:
    """Where the index part of a shard lies."""
    return shard.with_suffix(".json")


def write_shard(
    path: Path, crops: Sequence[Crop], failures: Sequence[CropFailure], *, picture: Picture
) -> None:
    """Writes a shard and then its index part.

    Raises:
        OutputError: The disk refuses.
    """
    buffer = io.BytesIO()
    offsets = []
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for crop in crops:
            offsets.append(_add(tar, f"{crop.key}.{picture}", crop.data))
            _add(tar, f"{crop.key}.json", json.dumps(_told(crop), ensure_ascii=False).encode())
    data = buffer.getvalue()
    names = sorted({name for crop in crops for name in crop.labels})
    part = IndexPart(
        shard=path.name,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        name=tuple(crop.name for crop in crops),
        offset=tuple(offsets),
        length=tuple(len(crop.data) for crop in crops),
        identity=tuple(crop.identity for crop in crops),
        part=tuple(crop.part for crop in crops),
        photo=tuple(crop.photo for crop in crops),
        hash=tuple(crop.hash for crop in crops),
        labels={name: tuple(_known(crop.labels.get(name)) for crop in crops) for name in names},
        measures={
            name: tuple(_known(crop.measures[k]) for crop in crops)
            for k, name in enumerate(MEASURES)
        },
        failures=tuple(failures),
    )
    write_file(path, data)
    write_file(index_path(path), part.model_dump_json().encode())


def read_index(shard: Path) -> tuple[IndexPart, str]:
    """The index part of a shard, and its own SHA-256.

    Raises:
        DatasetError: The index part is missing or damaged, or the shard is not as long as it says.
    """
    part, digest = _read(index_path(shard), IndexPart)
    columns = (part.offset, part.length, part.identity, part.part, part.photo, part.hash)
    widths = {len(one) for one in (*columns, *part.labels.values(), *part.measures.values())}
    if widths - {len(part.name)} or set(part.measures) != set(MEASURES):
        raise DatasetError(f"{index_path(shard)} does not add up. {_again(shard)}")
    size = shard.stat().st_size if shard.is_file() else None
    if size is None:
        raise DatasetError(f"The shard {shard} is missing. {_again(shard)}")
    if size != part.size:
        raise DatasetError(
            f"The shard {shard} has {size:,} bytes; expected {part.size:,}. {_again(shard)}"
        )
    return part, digest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest of a dataset.

    Raises:
        OutputError: The disk refuses.
    """
    write_file(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a dataset.

    Raises:
        DatasetError: There is none, or it is damaged.
    """
    if not (folder / MANIFEST).is_file():
        raise DatasetError(
            f"{folder} is no prepared dataset: it has no {MANIFEST}. Make one: "
            f"faceprint data prepare SOURCE --out {folder}"
        )
    return _read(folder / MANIFEST, Manifest)[0]


def write_file(path: Path, data: bytes) -> None:
    """Writes a file of a dataset whole or not at all.

    Raises:
        OutputError: The disk refuses.
    """
    try:
        write_whole(path, data)
    except OSError as error:
        hint = "Free some space, and run the same command again" if is_full(error) else ""
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}. "
            f"{hint or 'Check the folder, and run the same command again'}: it goes on after the "
            "shards that are finished."
        ) from error


def _read(path: Path, kind: type[Read]) -> tuple[Read, str]:
    try:
        data = path.read_bytes()
        return kind.model_validate_json(data), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror or error}. {_again(path)}"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DatasetError(
            f"{path} is damaged ({place or 'JSON'}: {first['msg']}). {_again(path)}"
        ) from error


def _again(path: Path) -> str:
    if path.name == MANIFEST:
        return "Prepare the dataset anew, in another folder."
    return f"Delete {path.stem}.* there and run its `faceprint data prepare` again: it makes what is missing."


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> int:
    """Adds a file, the same way for ever: no time, no owner. Gives where its bytes begin."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    offset = tar.offset + _HEADER_BYTES
    tar.addfile(entry, io.BytesIO(data))
    return offset


def _told(crop: Crop) -> dict[str, Any]:
    """What stands beside a crop in the shard, for any reader."""
    measures = zip(MEASURES, map(_known, crop.measures), strict=True)
    return {
        "name": crop.name,
        "identity": crop.identity,
        "part": crop.part,
        "labels": {name: _known(value) for name, value in crop.labels.items()},
        "photo_sha256": crop.photo,
        "hash": f"{crop.hash:016x}",
        "measures": dict(measures),
    }


def _known(value: float | None) -> float | None:
    """A number as JSON has it: rounded as float32 can hold it, null for NaN."""
    return None if value is None or math.isnan(value) else float(f"{value:.7g}")
