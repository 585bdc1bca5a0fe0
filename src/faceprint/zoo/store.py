"""From a card to verified local files, and to what is made of them once.

A file is looked for inside an installed distribution, then in the local store, then at the publisher's
address; that of an added model in its folder alone. Its digest is checked before anything reads it,
whichever way it came. Files move into place atomically, under a lock that other processes respect.

Where a publisher gives no digest, what came is offered to the user, who accepts it once (`pins`);
until then nothing loads it, and from then on its digest is checked like any other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from filelock import FileLock

from faceprint.errors import (
    LicenceRefusedError,
    MissingExtraError,
    WeightsCorruptError,
    WeightsMissingError,
)
from faceprint.zoo.cards import (
    FolderFile,
    Kind,
    ModelCard,
    PackageResource,
    Progress,
    Url,
    WeightFile,
)
from faceprint.zoo.catalogue import Catalogue
from faceprint.zoo.files import file_digest, usable, write_atomically
from faceprint.zoo.own import CALIBRATION_FILE, add_folder, remove_folder
from faceprint.zoo.pins import Offer, add_pin, read_pins, remove_pin
from faceprint.zoo.places import installed_path

__all__ = ["FileStatus", "WeightStore"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileStatus:
    """Where a weight file stands.

    Attributes:
        file: The file.
        state: `ready` (here, digest right), `missing`, `corrupt` (here, digest wrong), or
            `unaccepted` (here, without a digest of the publisher, and nobody has accepted it).
        path: Where it is; None if missing.
    """

    file: WeightFile
    state: Literal["ready", "missing", "corrupt", "unaccepted"]
    path: Path | None


class WeightStore:
    """The weights of this machine.

    Args:
        weights: Folder of pulled files, and of what cannot be made of them everywhere.
        cache: Folder of what else is made of them; may be emptied at any time.
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
        self._catalogue = Catalogue(weights)

    def card(self, name: str, *, kind: Kind | None = None) -> ModelCard:
        """The card of a model that faceprint comes with, of one that was added, or of a model folder.

        Args:
            name: A name; or the path of a model folder, which has a slash in it, as in "runs/7/model".
            kind: What the model is wanted for.

        Raises:
            UnknownModelError: There is none, or it is of another kind; the message lists those there are.
            ModelError: The card of an added model or of a folder cannot be used.
        """
        return self._catalogue.card(name, kind=kind)

    def cards(self) -> tuple[ModelCard, ...]:
        """The cards that faceprint comes with, then those of added models.

        Raises:
            ModelError: The card of an added model cannot be used.
        """
        return self._catalogue.cards()

    def add(self, folder: Path, *, name: str | None = None, replacing: bool = False) -> ModelCard:
        """Adds a model to those of this machine: see `faceprint.zoo.own.add_folder`."""
        card = add_folder(self.weights, folder, name=name, replacing=replacing)
        self._catalogue.forget(card.name)
        return card

    def remove(self, name: str) -> tuple[Path, ...]:
        """Removes an added model and what was made of it: see `faceprint.zoo.own.remove_folder`."""
        removed = remove_folder(self.weights, name)
        self._catalogue.forget(name)
        made = re.compile(rf"{re.escape(name)}-[0-9a-f]{{12}}-.*")
        left = [p for p in (self.cache / "models").glob("*") if made.fullmatch(p.name)]
        with usable(self.cache, "FACEPRINT_CACHE"):
            for path in left:
                path.unlink(missing_ok=True)
        return (*removed, *(path for path in left if path.suffix != ".lock"))

    def calibration_beside(self, card: ModelCard) -> Path | None:
        """The calibration that came with an added model or lies in a model folder; None for none."""
        path = None if card.folder is None else card.folder / CALIBRATION_FILE
        return path if path is not None and path.is_file() else None

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

    def resolve(self, card: ModelCard) -> ModelCard:
        """The card with the digests filled in that were accepted on this machine.

        Raises:
            ModelError: The list of accepted digests cannot be read.
        """
        if all(file.digest is not None for file in card.files):
            return card
        pins = read_pins(self.weights)
        files = (
            replace(file, digest=pins[file.name].digest, size_bytes=pins[file.name].size_bytes)
            if file.digest is None and file.name in pins
            else file
            for file in card.files
        )
        return replace(card, files=tuple(files))

    def files(self, card: ModelCard) -> tuple[Path, ...]:
        """Verified paths of a card's files, in the card's order; downloads what is missing.

        Raises:
            LicenceRefusedError: See `check_licence`.
            MissingExtraError: The files come in a distribution that is not installed.
            WeightsMissingError: The files are not here and cannot be downloaded, or nobody has
                accepted a digest that the publisher does not give.
            WeightsCorruptError: A file has another digest than the card names, or than was accepted.
        """
        self.check_licence(card)
        return tuple(self._file(card, file) for file in self.resolve(card).files)

    def status(self, card: ModelCard) -> tuple[FileStatus, ...]:
        """Where each file of a card stands; downloads nothing."""
        return tuple(self._status(file) for file in self.resolve(card).files)

    def offers(self, card: ModelCard, *, progress: Progress | None = None) -> tuple[Offer, ...]:
        """The files of a card whose digest is neither known nor accepted; downloads them.

        Nothing loads them: compare the digests with what others were given, then `accept` them.

        Example:
            ```python
            for offer in store.offers(store.card("facenet-vggface2")):
                if offer.digest == known_digest:
                    store.accept(offer)
            ```

        Raises:
            LicenceRefusedError: See `check_licence`.
            WeightsMissingError: A file is not here and cannot be downloaded.
            WeightsCorruptError: A file is larger than weights are.
        """
        self.check_licence(card)
        unknown = [file for file in self.resolve(card).files if file.digest is None]
        return tuple(self._offer(card, file, progress) for file in unknown)

    def accept(self, offer: Offer) -> None:
        """Pins the digest of a file: from now on it loads, and no other file does under its name.

        Raises:
            WeightsCorruptError: The file has changed since it was offered, or another was accepted.
        """
        target = self._store_path(offer.file)
        with usable(self.weights, "FACEPRINT_WEIGHTS"), FileLock(f"{target}.lock"):
            pin = read_pins(self.weights).get(offer.file.name)
            if pin is not None and pin.digest != offer.digest:
                raise WeightsCorruptError(
                    f"{offer.file.name} is accepted as {pin.digest} already, and {offer.digest} is "
                    "another file. To drop the accepted one, run: faceprint models forget NAME"
                )
            here = offer.path if offer.path.exists() else target
            if not here.exists() or file_digest(here, "sha256") != offer.digest:
                raise WeightsCorruptError(
                    f"{offer.path} is not the file that was offered any more: expected "
                    f"{offer.digest}. Ask for the offers again."
                )
            here.replace(target)
            add_pin(self.weights, offer)

    def discard(self, offer: Offer) -> bool:
        """Removes a download that will not be accepted; a file that somebody put there stays.

        Returns:
            Whether it was removed.
        """
        if offer.path != self._waiting_path(offer.file):
            return False
        with usable(self.weights, "FACEPRINT_WEIGHTS"):
            offer.path.unlink(missing_ok=True)
        return True

    def forget(self, card: ModelCard) -> tuple[Path, ...]:
        """Drops what was accepted for a card: digests, files, and what is kept of them.

        Returns:
            The removed files; none where nothing was accepted.

        Raises:
            ModelError: The folder of weights cannot be written.
        """
        resolved = self.resolve(card)
        accepted = [file for file in resolved.files if file not in card.files]
        removed: list[Path] = []
        if not accepted:
            return ()
        with usable(self.weights, "FACEPRINT_WEIGHTS"):
            if all(file.digest is not None for file in resolved.files):
                made = self.made_path(resolved, "*", keep=True)
                removed += [path for path in made.parent.glob(made.name) if path.suffix != ".lock"]
            for file in accepted:
                target = self._store_path(file)
                with FileLock(f"{target}.lock"):
                    remove_pin(self.weights, file.name)
                    self._verified.pop(str(file.digest), None)
                    if target.exists():
                        removed.append(target)
                    target.unlink(missing_ok=True)
            for path in removed:
                path.unlink(missing_ok=True)
        return tuple(removed)

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
        files = self.resolve(card).files
        return tuple(self._file(card, file, progress=progress) for file in files)

    def made_path(self, card: ModelCard, suffix: str, *, keep: bool = False) -> Path:
        """Where `made` puts its result, whether it is there yet or not."""
        folder = self.weights if keep else self.cache / "models"
        return folder / f"{card.name}-{self.resolve(card).digest}-{suffix}"

    def made(
        self,
        card: ModelCard,
        suffix: str,
        make: Callable[[tuple[Path, ...]], bytes],
        *,
        keep: bool = False,
    ) -> Path:
        """What `make` makes of a card's files, made once and kept under the digest of the weights.

        Args:
            card: The model.
            suffix: What tells results apart, ending in the file suffix, as in "v1.onnx".
            make: From the verified files to the bytes to keep.
            keep: Keep the result beside the weights rather than in the cache, since not every
                installation can make it again.

        Returns:
            Path of the result, complete.
        """
        card = self.resolve(card)
        files = self.files(card)
        target = self.made_path(card, suffix, keep=keep)
        if target.exists():
            return target
        variable = "FACEPRINT_WEIGHTS" if keep else "FACEPRINT_CACHE"
        with usable(target.parent, variable), FileLock(f"{target}.lock"):
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

    def _waiting_path(self, file: WeightFile) -> Path:
        return self.weights / f"{file.name}.unaccepted"

    def _status(self, file: WeightFile) -> FileStatus:
        found = self._present(file)
        if found is None:
            return FileStatus(file, "missing", None)
        if file.digest is None:
            return FileStatus(file, "unaccepted", found)
        right = file_digest(found, file.digest.partition(":")[0]) == file.digest
        return FileStatus(file, "ready" if right else "corrupt", found)

    def _present(self, file: WeightFile) -> Path | None:
        for source in file.sources:
            if (path := installed_path(source)) is not None and path.exists():
                return path
            if isinstance(source, FolderFile):
                return None
        places = [self._store_path(file)]
        if file.digest is None:
            places.append(self._waiting_path(file))
        return next((path for path in places if path.exists()), None)

    def _file(self, card: ModelCard, file: WeightFile, *, progress: Progress | None = None) -> Path:
        if file.digest is None:
            raise WeightsMissingError(
                f"The publisher of {card.name} gives no digest of {file.name}, and nobody has accepted "
                f"one on this machine yet. Run: faceprint models pull {card.name}"
            )
        if file.digest in self._verified:
            return self._verified[file.digest]
        status = self._status(file)
        if status.state == "corrupt":
            raise WeightsCorruptError(
                f"{status.path} is not the file that the card {card.name!r} names, or that was once "
                f"accepted for it: expected {file.digest}. Delete it or reinstall its package, then "
                f"run: faceprint models pull {card.name}"
            )
        path = status.path or self._fetch(card, file, progress)
        self._verified[file.digest] = path
        return path

    def _fetch(self, card: ModelCard, file: WeightFile, progress: Progress | None) -> Path:
        urls = [source.address for source in file.sources if isinstance(source, Url)]
        target = self._store_path(file)
        if card.folder is not None:
            raise WeightsMissingError(
                f"{card.folder / file.name} ({file.digest}) is not there any more. Add the model again: "
                "faceprint models add FOLDER"
            )
        if not urls:
            extra = next((s.extra for s in file.sources if isinstance(s, PackageResource)), None)
            if extra is not None:
                raise MissingExtraError(f"The model {card.name}", extra=extra)
            raise WeightsMissingError(
                f"{file.name} ({file.digest}) comes with faceprint or its dependencies but is not "
                "there. Reinstall: pip install --force-reinstall faceprint"
            )
        self._check_online(card, file, urls)
        from faceprint.zoo.download import download

        with usable(self.weights, "FACEPRINT_WEIGHTS"), FileLock(f"{target}.lock"):
            # Another process may have fetched it meanwhile.
            if self._status(file).state != "ready":
                download(urls, target, file, progress=progress)
        return target

    def _offer(self, card: ModelCard, file: WeightFile, progress: Progress | None) -> Offer:
        urls = [source.address for source in file.sources if isinstance(source, Url)]
        target, waiting = self._store_path(file), self._waiting_path(file)
        if self._present(file) is None:
            self._check_online(card, file, urls)
        from faceprint.zoo.download import download_unknown

        with usable(self.weights, "FACEPRINT_WEIGHTS"), FileLock(f"{target}.lock"):
            here = self._present(file)
            if here is None:
                download_unknown(urls, waiting, file, progress=progress)
                here = waiting
            source = " or ".join(urls) if here == waiting else str(here)
            return Offer(file, file_digest(here, "sha256"), here.stat().st_size, source, here)

    def _check_online(self, card: ModelCard, file: WeightFile, urls: list[str]) -> None:
        if self.offline:
            known = f" ({file.size_bytes} bytes, {file.digest})" if file.digest else ""
            raise WeightsMissingError(
                f"{card.name} needs {file.name}{known}, which is not here, and offline is set. Get it "
                f"from {urls[0]} and put it at {self._store_path(file)}"
            )
