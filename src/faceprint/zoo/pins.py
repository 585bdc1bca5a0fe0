"""Digests that the user of this machine accepted, where a publisher gives none.

They stand in one small JSON file in the folder of the weights, by file name. Once there, a digest
counts like one of a card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from faceprint.errors import ModelError
from faceprint.zoo.cards import WeightFile
from faceprint.zoo.files import write_atomically

__all__ = ["Offer", "Pin", "add_pin", "read_pins", "remove_pin"]

_FILE = "pins.json"


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that is here, and that nothing loads before its digest is accepted.

    Attributes:
        file: The file of the card.
        digest: What came, as "sha256:…".
        size_bytes: Its size.
        source: Where it came from: an address, or the path where it lay.
        path: Where it waits.
    """

    file: WeightFile
    digest: str
    size_bytes: int
    source: str
    path: Path


@dataclass(frozen=True, slots=True)
class Pin:
    """An accepted digest.

    Attributes:
        digest: As "sha256:…".
        size_bytes: Size of the file.
        source: Where it came from.
        accepted: When, in ISO 8601.
    """

    digest: str
    size_bytes: int
    source: str
    accepted: str


def read_pins(folder: Path) -> Mapping[str, Pin]:
    """All accepted digests of a folder of weights, by file name.

    Raises:
        ModelError: The folder cannot be read, or the file not as what it should be.
    """
    path = folder / _FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: _checked(Pin(**fields)) for name, fields in found.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ModelError(
            f"{folder} should be a folder of weights, and cannot be read as that: "
            f"{error.strerror or error}. Allow reading it and {_FILE} in it, or choose another "
            "folder with FACEPRINT_WEIGHTS."
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} should list the accepted digests, and cannot be read as that: {error}. Restore "
            "it, or delete it and accept them again: faceprint models pull NAME"
        ) from error


def _checked(pin: Pin) -> Pin:
    algorithm, _, digits = pin.digest.partition(":")
    if algorithm != "sha256" or len(digits) != 64 or type(pin.size_bytes) is not int:
        raise ValueError(f"{pin.digest!r} is no sha256 digest with a size")
    return pin


def add_pin(folder: Path, offer: Offer) -> None:
    """Writes down that an offer is accepted; other processes may do the same at once."""
    accepted = datetime.now(UTC).isoformat(timespec="seconds")
    pin = Pin(offer.digest, offer.size_bytes, offer.source, accepted)
    with FileLock(folder / f"{_FILE}.lock"):
        _write_pins(folder, dict(read_pins(folder)) | {offer.file.name: pin})


def remove_pin(folder: Path, name: str) -> None:
    """Strikes what is accepted for a file name off the list, if anything is."""
    with FileLock(folder / f"{_FILE}.lock"):
        pins = dict(read_pins(folder))
        if pins.pop(name, None) is not None:
            _write_pins(folder, pins)


def _write_pins(folder: Path, pins: Mapping[str, Pin]) -> None:
    records = {name: asdict(entry) for name, entry in sorted(pins.items())}
    content = json.dumps(records, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / _FILE, content.encode())
