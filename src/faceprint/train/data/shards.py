"""A prepared dataset: what is known of its crops as arrays, and the crops themselves by number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.errors import DatasetError
from faceprint.train.data.records import MEASURES, IntArray
from faceprint.train.data.shard_files import (
    IndexPart,
    PrepareOptions,
    index_path,
    read_index,
    read_manifest,
)
from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

__all__ = ["PreparedDataset", "dataset_digest", "shard_path"]


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard of a dataset lies."""
    return folder / f"shard-{number:05d}.tar"


def dataset_digest(options: PrepareOptions, index_digests: Iterable[str]) -> str:
    """What names a dataset: SHA-256 over its options and all that is known of its crops."""
    lines = [options.model_dump_json(), *index_digests]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class PreparedDataset:
    """A folder that `prepare` wrote: N crops in WebDataset shards, and an index of them.

    Holds no open files: it may be used from several threads, sent to other processes and kept over a fork.

    Args:
        folder: The folder.

    Attributes:
        folder: The folder.
        name: What it is called.
        kind: Of the source: "celeba", "lfw", "utkface", "fer2013" or "folders".
        side_px: Side of the crops.
        alignment: How faces were cut out, as model cards name it; "none" for whole photos.
        detector: Card name of what found the faces; "" where nothing looked for them.
        steps: What was done after detection, as model ids have it: "+onet" or "".
        names: N names of photos.
        people: Names of the people, sorted; none where the source has none.
        identity: (N,) int64, index into `people`; -1 where it is not known.
        labels: Of each label (N,) float32; NaN where it is not known.
        classes: Of labels that are numbers of classes, their names.
        parts: The publisher's part of each photo: "train", "validation", "test", or "".
        photo_digests: SHA-256 of each source photo, hexadecimal.
        hashes: (N,) uint64, perceptual hashes of the crops: see `duplicates`.
        measures: Of each of `MEASURES` (N,) float32.
        terms: Of the data.
        digest: Names this dataset: SHA-256 over its options and all that is known of its crops.

    Raises:
        DatasetError: It is no such folder, not finished, or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = read_manifest(folder)
        if not manifest.complete:
            raise DatasetError(
                f"{folder} is not finished. Run its command again, and it goes on: "
                f"{manifest.command or 'faceprint data prepare'}"
            )
        options = manifest.options
        count = -(-manifest.photos // options.shard_photos)
        paths = [shard_path(folder, number) for number in range(count)]
        read = [read_index(path) for path in paths]
        parts = [part for part, _ in read]
        self.name, self.kind = manifest.name, manifest.kind
        self.side_px, self.alignment = options.side_px, options.alignment
        self.detector, self.steps = options.detector.partition(":")[0], options.steps
        self.classes: Mapping[str, tuple[str, ...]] = manifest.classes
        self.terms = Licence(manifest.terms_name, manifest.terms_commercial)
        self.digest = dataset_digest(options, (digest for _, digest in read))
        if self.digest != manifest.digest:
            raise DatasetError(
                f"The index of {folder} was changed after it was made: its digest is "
                f"{self.digest[:12]}, expected {manifest.digest[:12]}. Prepare it anew, in another folder."
            )
        self._shards = tuple(path.name for path in paths)
        self._read_columns(parts)

    def _read_columns(self, parts: Sequence[IndexPart]) -> None:
        self.names = tuple(name for part in parts for name in part.name)
        self.parts = tuple(one for part in parts for one in part.part)
        self.photo_digests = tuple(one for part in parts for one in part.photo)
        self.hashes: npt.NDArray[np.uint64] = _joined([part.hash for part in parts], np.uint64)
        whose = [who for part in parts for who in part.identity]
        self.people = tuple(sorted({who for who in whose if who is not None}))
        numbers: dict[str | None, int] = {who: number for number, who in enumerate(self.people)}
        self.identity: IntArray = np.array([numbers.get(who, -1) for who in whose], dtype=np.int64)
        labels = sorted({name for part in parts for name in part.labels})
        self.labels: Mapping[str, FloatArray] = {
            name: _joined([p.labels.get(name, (None,) * len(p.name)) for p in parts], np.float32)
            for name in labels
        }
        self.measures: Mapping[str, FloatArray] = {
            name: _joined([part.measures[name] for part in parts], np.float32) for name in MEASURES
        }
        self._shard: IntArray = np.repeat(np.arange(len(parts)), [len(p.name) for p in parts])
        self._offset: IntArray = _joined([part.offset for part in parts], np.int64)
        self._length: IntArray = _joined([part.length for part in parts], np.int64)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, rows: IntArray) -> Image:
        """The crops of some rows.

        Args:
            rows: (M,) int64, in any order, also several times the same.

        Returns:
            (M, S, S, 3) uint8 RGB.

        Raises:
            DatasetError: A shard is missing, cut short or damaged.
        """
        rows = np.asarray(rows, dtype=np.int64)
        crops = np.empty((len(rows), self.side_px, self.side_px, 3), dtype=np.uint8)
        order = np.argsort(rows, kind="stable")
        edges = np.flatnonzero(np.diff(self._shard[rows[order]])) + 1
        for places in np.split(order, edges) if len(rows) else ():
            self._read_shard(rows, places, crops)
        return crops

    def _read_shard(self, rows: IntArray, places: npt.NDArray[np.intp], crops: Image) -> None:
        path = self.folder / self._shards[self._shard[rows[places[0]]]]
        try:
            with path.open("rb", buffering=0) as file:
                for place in places:
                    row = rows[place]
                    file.seek(self._offset[row])
                    crops[place] = self._decode(path, row, file.read(self._length[row]))
        except OSError as error:
            raise DatasetError(
                f"The shard {path} cannot be read: {error.strerror or error}. {_again(path)}"
            ) from error

    def _decode(self, path: Path, row: int, data: bytes) -> Image:
        if len(data) == self._length[row] > 0:
            found = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
            if found is not None and found.shape == (self.side_px, self.side_px, 3):
                return np.asarray(found, dtype=np.uint8)[..., ::-1]
        raise DatasetError(
            f"The shard {path} is cut short or damaged: {self.names[row]} cannot be read. {_again(path)}"
        )


def _again(path: Path) -> str:
    return (
        f"Delete {path.name} and {index_path(path).name}, and run the dataset's `faceprint data prepare` "
        "again: it makes what is missing."
    )


def _joined(columns: Sequence[Sequence[float | None]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate([np.array(column, dtype=dtype) for column in columns])
