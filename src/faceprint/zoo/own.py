"""Model folders: models that faceprint does not come with, as training leaves them and as users add them.

Such a folder holds `card.json` (the model card), `NAME.onnx`, and where the model has them `head.onnx`
(a classifier of pairs), `attributes.json` (how outputs are read) and `calibration.json`; that of a cascade of
Viola and Jones holds `cascade.json` in place of a network. What the card names stands there with its digest,
which is checked as those of all weights are.

The card decides what is loaded and from where, so that it may name nothing but the files beside it.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock

from faceprint.errors import ModelError, UnknownModelError, WeightsCorruptError
from faceprint.zoo.cards import HEAD_FILE, FolderFile, ModelCard, WeightFile
from faceprint.zoo.files import usable, write_atomically
from faceprint.zoo.table import CARDS

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "CALIBRATION_FILE",
    "CARD_FILE",
    "CASCADE_FILE",
    "IMPLEMENTATIONS",
    "READING_FILE",
    "add_folder",
    "check_name",
    "completed",
    "own_folder",
    "own_names",
    "read_folder",
    "remove_folder",
    "write_folder",
]

CARD_FILE: Final = "card.json"
CALIBRATION_FILE: Final = "calibration.json"
READING_FILE: Final = "attributes.json"
CASCADE_FILE: Final = "cascade.json"

_CASCADE: Final = "viola_jones"
_NETWORK: Final = "{}.onnx"
"""Name of the network's file, by that of the model."""

IMPLEMENTATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "embedder": ("network",),
    "attributes": ("own",),
    "detector": (_CASCADE, "localizer"),
}
"""What may run a model of a folder, by its kind."""

_LAYOUTS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "network": ((_NETWORK, HEAD_FILE), (_NETWORK,)),
    "own": ((_NETWORK, READING_FILE),),
    "localizer": ((_NETWORK,),),
    _CASCADE: ((CASCADE_FILE,),),
}
"""The files that a folder may hold, by what runs the model."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9])){0,63}")
_SIDES_PX = range(16, 1025)
_MAX_CARD_BYTES = 2**20


def check_name(name: str) -> None:
    """Refuses names that are no safe file names, and those of cards that faceprint comes with.

    Raises:
        ModelError: The name cannot be given to a model.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(
            "The name of a model has up to 64 lower-case letters, digits, dots, hyphens and underscores, "
            f"and begins with a letter or digit, got {name!r}. Choose another with --name."
        )
    if name in CARDS:
        raise ModelError(
            f"{name!r} is the name of a model that faceprint knows already. Choose another with --name."
        )


def read_folder(folder: Path) -> ModelCard:
    """The card of a model folder, whose files it finds there; their digests are checked on loading.

    Args:
        folder: A model folder, or one of a training run, which holds one called "model".

    Raises:
        ModelError: It is no such folder, or its card means nothing or names what it must not.
    """
    if not (folder / CARD_FILE).is_file() and (folder / "model" / CARD_FILE).is_file():
        folder = folder / "model"
    card = _read_card(folder / CARD_FILE)
    problems = _problems(card)
    if card.alignment == "none" and card.kind != "detector":
        problems.append(
            "alignment is 'none': it was trained on whole photos, and finds no faces in them"
        )
    if problems:
        raise ModelError(f"{folder / CARD_FILE} cannot be used: {'; '.join(problems)}.")
    root = folder.resolve()
    files = (replace(file, sources=(FolderFile(str(root / file.name)),)) for file in card.files)
    return replace(card, files=tuple(files))


def completed(card: ModelCard, contents: Mapping[str, bytes]) -> ModelCard:
    """The card with the files that a folder will hold: names, digests and sizes.

    Args:
        card: What is known of the model; its `files` are replaced.
        contents: File names and contents, the network first.
    """
    files = (
        WeightFile(name, f"sha256:{sha256(content).hexdigest()}", len(content))
        for name, content in contents.items()
    )
    return replace(card, files=tuple(files))


def write_folder(
    folder: Path, card: ModelCard, contents: Mapping[str, bytes], *, calibration: bytes | None
) -> None:
    """Writes a model folder whole or not at all; one that is there is replaced.

    Args:
        folder: Its parent is made if need be.
        card: Complete: see `completed`.
        contents: The files that the card names.
        calibration: The calibration as JSON.

    Raises:
        ModelError: The card cannot be used.
        OSError: The disk refuses.
    """
    bare = replace(card, files=tuple(replace(file, sources=()) for file in card.files))
    if problems := _problems(bare):
        raise ModelError(f"The card of {card.name} cannot be used: {'; '.join(problems)}.")
    files = {**contents, CARD_FILE: (json.dumps(asdict(bare), indent=1) + "\n").encode()}
    if calibration is not None:
        files[CALIBRATION_FILE] = calibration
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft, old = (
        folder.with_name(f".{folder.name}-{uuid.uuid4().hex}.{end}") for end in ("part", "old")
    )
    try:
        draft.mkdir()
        for name, content in files.items():
            write_atomically(draft / name, content)
        with suppress(FileNotFoundError):
            folder.replace(old)
        draft.replace(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.replace(folder)
        raise
    finally:
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)


def own_folder(weights: Path, name: str) -> Path:
    """Where an added model of that name lies, or would."""
    return weights / "own" / name


def own_names(weights: Path) -> tuple[str, ...]:
    """The names of all added models, sorted; those with a broken card too.

    Raises:
        ModelError: The folder cannot be read.
    """
    try:
        entries = [*own_folder(weights, "").iterdir()]
        return tuple(sorted(e.name for e in entries if _NAME.fullmatch(e.name) and e.is_dir()))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _unreadable(own_folder(weights, ""), error) from error


def add_folder(
    weights: Path, folder: Path, *, name: str | None = None, replacing: bool = False
) -> ModelCard:
    """Copies a model folder into the folder of weights.

    Args:
        weights: The folder of weights.
        folder: A model folder, or one of a training run.
        name: What to call it; as its card says unless given.
        replacing: Take the place of other weights of that name.

    Returns:
        The card of the copy.

    Raises:
        ModelError: The folder or the name cannot be used, the name is taken, or the folder of weights
            cannot be written.
        WeightsCorruptError: A file has another digest than the card names.
    """
    found = read_folder(folder)
    name = found.name if name is None else name
    check_name(name)
    contents = {file.name: _content(file) for file in found.files}
    card, contents = _renamed(found, contents, name)
    target = own_folder(weights, name)
    with usable(target.parent, "FACEPRINT_WEIGHTS"), FileLock(target.parent / ".lock"):
        if target.exists() and not replacing:
            known = _digest_there(target)
            if known == card.digest:
                return read_folder(target)
            raise ModelError(
                f"There is another model called {name!r} already"
                f"{f' ({known}; this one is {card.digest})' if known else ''}. Give this one another name "
                "with --name, or replace the other with --replace: people who are enrolled for it must then "
                "be enrolled again."
            )
        calibration = _calibration(found, card)
        write_folder(target, card, contents, calibration=calibration)
    return read_folder(target)


def remove_folder(weights: Path, name: str) -> tuple[Path, ...]:
    """Removes an added model.

    Returns:
        The files that were removed.

    Raises:
        UnknownModelError: No added model has that name.
        ModelError: The folder of weights cannot be written.
    """
    if name not in own_names(weights):
        known = ", ".join(own_names(weights)) or "none"
        raise UnknownModelError(f"No added model is called {name!r}. Those added are: {known}.")
    target = own_folder(weights, name)
    with usable(target.parent, "FACEPRINT_WEIGHTS"), FileLock(target.parent / ".lock"):
        files = tuple(sorted(path for path in target.rglob("*") if path.is_file()))
        shutil.rmtree(target)
    return files


def _read_card(path: Path) -> ModelCard:
    from pydantic import ValidationError

    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_CARD_BYTES)
        return _reader().validate_json(content, strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(
            f"{path.parent} is no folder of a model: it has no {CARD_FILE}. Expected a folder as "
            "faceprint train writes it."
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)[:5]
        )
        raise ModelError(f"{path} is no model card: {problems}.") from error


@cache
def _reader() -> TypeAdapter[ModelCard]:
    from pydantic import TypeAdapter

    return TypeAdapter(ModelCard)


def _problems(card: ModelCard) -> list[str]:
    """What keeps a card of a folder from being used, in plain words."""
    wanted = IMPLEMENTATIONS.get(card.kind, ())
    any_size = card.implementation == _CASCADE
    told = {
        f"name {card.name!r} is no safe file name": not _NAME.fullmatch(card.name),
        f"kind {card.kind!r} is none of {', '.join(IMPLEMENTATIONS)}": not wanted,
        f"implementation {card.implementation!r} should be {' or '.join(map(repr, wanted))}": (
            bool(wanted) and card.implementation not in wanted
        ),
        "parts and extra belong to cards that faceprint comes with": (
            bool(card.parts) or card.extra is not None
        ),
        f"input_size_px {card.input_size_px} is not between {_SIDES_PX[0]} and {_SIDES_PX[-1]}": (
            card.input_size_px not in _SIDES_PX and not any_size
        ),
        f"mean {card.mean} and std {card.std} should be finite, and std above 0": not (
            all(map(math.isfinite, card.mean)) and all(0 < one < math.inf for one in card.std)
        ),
        f"revision {card.revision} should be 1 or more": card.revision < 1,
        f"dimension {card.dimension} should be 2 to 4096": (
            card.kind == "embedder" and not 2 <= card.dimension <= 4096
        ),
    }
    return [problem for problem, there in told.items() if there] + _file_problems(card)


def _file_problems(card: ModelCard) -> list[str]:
    names = [file.name for file in card.files]
    layouts = [
        [name.format(card.name) for name in layout]
        for layout in _LAYOUTS.get(card.implementation, ())
    ]
    told = {
        f"its files should be {' or '.join(' and '.join(some) for some in layouts)}, got "
        f"{' and '.join(map(repr, names)) or 'none'}": bool(layouts) and names not in layouts,
        "each file needs a digest as sha256:… of 64 hexadecimal digits, and its size": not all(
            re.fullmatch(r"sha256:[0-9a-f]{64}", file.digest or "") and file.size_bytes > 0
            for file in card.files
        ),
        "sources must be left out: the files lie beside the card": any(
            file.sources for file in card.files
        ),
    }
    return [problem for problem, there in told.items() if there]


def _content(file: WeightFile) -> bytes:
    (source,) = file.sources
    assert isinstance(source, FolderFile)
    path = Path(source.path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if (found := f"sha256:{sha256(content).hexdigest()}") != file.digest:
        raise WeightsCorruptError(
            f"{path} is not the file that its card names: expected {file.digest}, got {found}. Get "
            "the folder again from where it was made."
        )
    return content


def _renamed(
    card: ModelCard, contents: Mapping[str, bytes], name: str
) -> tuple[ModelCard, dict[str, bytes]]:
    """The card and the files under another name, which a network's file shares."""
    old_name, new_name = _NETWORK.format(card.name), _NETWORK.format(name)
    files = tuple(
        replace(file, name=new_name) if file.name == old_name else file for file in card.files
    )
    named = {file.name: contents[old.name] for old, file in zip(card.files, files, strict=True)}
    return replace(card, name=name, files=files), named


def _calibration(found: ModelCard, card: ModelCard) -> bytes | None:
    """The calibration of a folder, made out to the model's new name."""
    assert found.folder is not None
    path = found.folder / CALIBRATION_FILE
    try:
        record: Any = json.loads(path.read_text("utf-8"))
        model_id = str(record["model_id"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is no calibration: {error!r}. Make the folder again.") from error
    if not re.fullmatch(rf"{re.escape(found.model_id)}(\+[a-z0-9]+)*", model_id):
        raise ModelError(
            f"{path} is of the model {model_id!r}, and the card beside it is of {found.model_id!r}. Make "
            "the folder again, or delete that file and calibrate: faceprint calibrate FOLDER"
        )
    record["model_id"] = card.model_id + model_id.removeprefix(found.model_id)
    return (json.dumps(record, indent=1) + "\n").encode()


def _digest_there(folder: Path) -> str | None:
    with suppress(ModelError):
        return read_folder(folder).digest
    return None


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"{path} cannot be read: {error.strerror or error}. Allow reading it, or get it again."
    )
