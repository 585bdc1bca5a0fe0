"""Dealing with the shards of a dataset one after the other, so that work can stop and go on between them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from faceprint import __version__
from faceprint.errors import DatasetError, InputError, OutputError
from faceprint.pipeline.stream import chunks, in_order
from faceprint.train.data.cropping import Cropper
from faceprint.train.data.records import Sample, Source
from faceprint.train.data.shard_files import (
    MANIFEST,
    Crop,
    CropFailure,
    Manifest,
    PrepareOptions,
    index_path,
    read_index,
    read_manifest,
    write_file,
    write_manifest,
    write_shard,
)
from faceprint.train.data.shards import dataset_digest, shard_path

__all__ = ["FAILURES", "Prepared", "Progress", "ShardRun"]

FAILURES: Final = "failures.csv"

Progress = Callable[[int, int], None]
"""Told how many photos are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of the photos of a source.

    Attributes:
        folder: The dataset.
        photos: Of the source.
        crops: Made, or made before.
        made: Photos that were looked at this time; the others had been before.
        people: How many are known.
        failures: Photos without a crop, with the reason; `failures.csv` lists them, too.
        problems: Files of the source that are no photos of it.
        digest: Names the dataset.
    """

    folder: Path
    photos: int
    crops: int
    made: int
    people: int
    failures: tuple[CropFailure, ...]
    problems: tuple[str, ...]
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "folder": str(self.folder),
            "photos": self.photos,
            "crops": self.crops,
            "made": self.made,
            "people": self.people,
            "failures": [one.model_dump() for one in self.failures],
            "problems": list(self.problems),
            "digest": self.digest,
        }


class ShardRun:
    """The shards of one dataset, from the first to the last."""

    def __init__(self, source: Source, folder: Path, options: PrepareOptions, command: str) -> None:
        self._source = source
        self._folder = folder
        self._options = options
        self._command = command
        self._made = 0
        count = -(-len(source.samples) // options.shard_photos)
        self._shards = [shard_path(folder, number) for number in range(count)]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes out of the folder.

        Raises:
            DatasetError: Another process works on it.
            OutputError: The folder cannot be made or written to.
        """
        lock = FileLock(self._folder / ".lock", timeout=0)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise DatasetError(
                f"Another process is preparing {self._folder}: wait for it."
            ) from error
        except OSError as error:
            raise OutputError(
                f"{self._folder} cannot be made or written to: {error.strerror or error}."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def begin(self) -> None:
        """Writes the manifest, or sees that the one there is of the same making."""
        if not (self._folder / MANIFEST).exists():
            strangers = [one.name for one in self._folder.iterdir() if not one.name.startswith(".")]
            if strangers:
                raise DatasetError(
                    f"{self._folder} is not empty, and no dataset: it holds {sorted(strangers)[0]}. Give "
                    "an empty folder, or a new one."
                )
            write_manifest(self._folder, self._manifest())
            return
        before = read_manifest(self._folder).options
        if before != self._options:
            told = [
                f"{name} {getattr(before, name)!r}, now {value!r}"
                for name, value in self._options
                if getattr(before, name) != value
            ]
            raise DatasetError(
                f"{self._folder} was begun otherwise: {'; '.join(told)}. Use the same options to go on, "
                "or another folder."
            )

    def fill(self, cropper: Cropper, workers: int, progress: Progress | None) -> None:
        """Makes the shards that are not there."""
        total = len(self._source.samples)
        missing = [number for number, path in enumerate(self._shards) if not _is_whole(path)]
        todo = {number: len(self._block(number)) for number in missing}
        done = total - sum(todo.values())
        if progress is not None:
            progress(done, total)
        results = in_order(cropper.cut, self._groups(missing), workers=workers)
        for number, size in todo.items():
            made: list[Crop | CropFailure] = []
            for result in islice(results, size):
                made.append(result)
                if progress is not None:
                    progress(done + len(made), total)
            done += size
            self._made += size
            crops = [one for one in made if isinstance(one, Crop)]
            failures = [one for one in made if isinstance(one, CropFailure)]
            write_shard(self._shards[number], crops, failures, picture=self._options.picture)

    def finish(self) -> Prepared:
        """Writes the list of failures and the finished manifest."""
        read = [read_index(path) for path in self._shards]
        failures = tuple(one for part, _ in read for one in part.failures)
        crops = sum(len(part.name) for part, _ in read)
        self._write_failures(failures)
        if not crops:
            raise InputError(
                f"None of the {len(self._source.samples):,} photos gave a crop; the first: "
                f"{failures[0].name}: {failures[0].reason} {FAILURES} lists all."
            )
        people = {who for part, _ in read for who in part.identity if who is not None}
        digest = dataset_digest(self._options, (digest for _, digest in read))
        manifest = self._manifest().model_copy(
            update={
                "complete": True,
                "crops": crops,
                "failed": len(failures),
                "people": len(people),
                "digest": digest,
            }
        )
        write_manifest(self._folder, manifest)
        return Prepared(
            folder=self._folder,
            photos=len(self._source.samples),
            crops=crops,
            made=self._made,
            people=len(people),
            failures=failures,
            problems=self._source.problems,
            digest=digest,
        )

    def _manifest(self) -> Manifest:
        source = self._source
        return Manifest(
            complete=False,
            name=self._folder.resolve().name,
            kind=source.kind,
            terms_name=source.terms.name,
            terms_commercial=source.terms.commercial,
            classes=dict(source.classes),
            options=self._options,
            photos=len(source.samples),
            problems=source.problems,
            command=self._command,
            version=__version__,
        )

    def _block(self, number: int) -> Sequence[Sample]:
        size = self._options.shard_photos
        return self._source.samples[number * size : (number + 1) * size]

    def _groups(self, numbers: Sequence[int]) -> Iterator[list[tuple[int, Sample]]]:
        """Photos with their numbers, in groups that are the same wherever the work begins."""
        for number in numbers:
            block = enumerate(self._block(number), number * self._options.shard_photos)
            photos = (one.pixels if one.path is None else one.path for one in self._block(number))
            for group in chunks(photo for photo in photos if photo is not None):
                yield list(islice(block, len(group)))

    def _write_failures(self, failures: Sequence[CropFailure]) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("photo", "code", "reason"))
        writer.writerows((one.name, one.code, one.reason) for one in failures)
        writer.writerows(("", "not_of_the_source", problem) for problem in self._source.problems)
        write_file(self._folder / FAILURES, text.getvalue().encode())


def _is_whole(shard: Path) -> bool:
    if not index_path(shard).exists():
        return False
    try:
        read_index(shard)
    except DatasetError:
        return False
    return True
