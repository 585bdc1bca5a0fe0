"""Downloads of weights: resumed, bounded, checked, and moved into place only when right."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import httpx

from faceprint.errors import WeightsCorruptError, WeightsMissingError
from faceprint.zoo.cards import Progress, WeightFile

__all__ = ["download"]

log = logging.getLogger(__name__)

_TRIES_PER_ADDRESS = 3
_TIMEOUT = httpx.Timeout(30, connect=10)


def download(
    addresses: Sequence[str],
    target: Path,
    file: WeightFile,
    *,
    progress: Progress | None = None,
) -> None:
    """Fetches a file into place, from the first address that gives the right bytes.

    A part that an interrupted download left is continued. What turns out wrong is removed.

    Args:
        addresses: Tried in order, each a few times.
        target: Where the file goes once its digest is right.
        file: Size and digest.
        progress: Told of every block.

    Raises:
        WeightsMissingError: No address answered.
        WeightsCorruptError: What came has another size or digest.
    """
    part = target.with_name(f"{target.name}.part")
    reasons: list[str] = []
    wrong = False
    for address in addresses:
        for _ in range(_TRIES_PER_ADDRESS):
            resumed = part.exists()
            try:
                _continue_part(address, part, file, progress)
            except httpx.HTTPError as error:
                reasons.append(f"{address}: {error or type(error).__name__}")
                if isinstance(error, httpx.HTTPStatusError):
                    break
                continue
            found = _digest(part, file)
            if found == file.digest:
                part.replace(target)
                return
            part.unlink()
            if not resumed:
                wrong = True
                reasons.append(f"{address}: another file, {found}")
                break
    if wrong:
        raise WeightsCorruptError(
            f"No address gave {file.name} as its card names it: expected {file.digest}, "
            f"{file.size_bytes} bytes ({'; '.join(dict.fromkeys(reasons))}). Nothing was kept. Try "
            "again; if it stays so, the publisher has changed the file."
        )
    raise WeightsMissingError(
        f"{file.name} could not be downloaded ({'; '.join(dict.fromkeys(reasons))}). Check the "
        f"network and run the command again, which continues where it stopped; or get the file "
        f"({file.digest}) another way and put it at {target}"
    )


def _continue_part(address: str, part: Path, file: WeightFile, progress: Progress | None) -> None:
    here = part.stat().st_size if part.exists() else 0
    if here >= file.size_bytes:
        part.unlink()
        here = 0
    headers = {"Range": f"bytes={here}-"} if here else {}
    with httpx.stream(
        "GET", address, headers=headers, follow_redirects=True, timeout=_TIMEOUT
    ) as response:
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            here = 0
        with part.open("ab" if here else "wb") as stream:
            for block in response.iter_bytes():
                here += len(block)
                stream.write(block)
                if here > file.size_bytes:  # no longer the file of the card; its digest will say so
                    break
                if progress is not None:
                    progress(file.name, here, file.size_bytes)
    if here < file.size_bytes:
        raise httpx.ReadError(f"the server stopped after {here} of {file.size_bytes} bytes")


def _digest(part: Path, file: WeightFile) -> str:
    algorithm = file.digest.partition(":")[0]
    with part.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"
