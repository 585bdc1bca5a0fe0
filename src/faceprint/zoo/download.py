"""Downloads of weights: resumed, bounded, checked, and moved into place only when right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from faceprint.errors import WeightsCorruptError, WeightsMissingError
from faceprint.zoo.cards import Progress, WeightFile
from faceprint.zoo.files import file_digest

__all__ = ["download", "download_unknown"]

_TRIES_PER_ADDRESS = 3
_TIMEOUT = httpx.Timeout(30, connect=10)
_MAX_UNKNOWN_BYTES = 512 * 2**20
# Compressed on the way, a file could not be continued from the bytes that are here.
_AS_IT_IS = {"Accept-Encoding": "identity"}


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
    part = _part_of(target)
    reasons: list[str] = []
    wrong = False
    for address in addresses:
        for _ in range(_TRIES_PER_ADDRESS):
            resumed = part.exists()
            try:
                _continue_part(address, part, file, progress)
            except httpx.HTTPError as error:
                reasons.append(_reason(address, error))
                if isinstance(error, httpx.HTTPStatusError):
                    break
                continue
            found = file_digest(part, str(file.digest).partition(":")[0])
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
            f"No address gave {file.name} as its card names it or as it was once accepted: expected "
            f"{file.digest}, {file.size_bytes} bytes ({_joined(reasons)}). Nothing was kept. Try "
            "again; if it stays so, the publisher has changed the file."
        )
    raise WeightsMissingError(
        f"{file.name} could not be downloaded ({_joined(reasons)}). Check the "
        f"network and run the command again, which continues where it stopped; or get the file "
        f"({file.digest}) another way and put it at {target}"
    )


def download_unknown(
    addresses: Sequence[str],
    target: Path,
    file: WeightFile,
    *,
    progress: Progress | None = None,
) -> None:
    """Fetches a file whose size and digest nobody has told, up to 512 MiB.

    A part that an interrupted download left is continued only where the server says that it is
    still the same file. A server that does not say where the file ends is refused.

    Args:
        addresses: Tried in order, each a few times.
        target: Where the file goes once it is complete.
        file: Gives the name in messages.
        progress: Told of every block.

    Raises:
        WeightsMissingError: No address gave the file.
        WeightsCorruptError: What came is larger than weights are.
    """
    part = _part_of(target)
    reasons: list[str] = []
    for address in addresses:
        for _ in range(_TRIES_PER_ADDRESS):
            try:
                _continue_unknown_part(address, part, file, progress)
            except httpx.HTTPError as error:
                reasons.append(_reason(address, error))
                if isinstance(error, httpx.HTTPStatusError):
                    break
                continue
            part.replace(target)
            _tag_of(part).unlink(missing_ok=True)
            return
    raise WeightsMissingError(
        f"{file.name} could not be downloaded ({_joined(reasons)}). Check the network and run the "
        "command again, which continues where it stopped."
    )


def _continue_part(address: str, part: Path, file: WeightFile, progress: Progress | None) -> None:
    here = part.stat().st_size if part.exists() else 0
    if here >= file.size_bytes:
        part.unlink()
        here = 0
    headers = {"Range": f"bytes={here}-"} if here else {}
    with _opened(address, headers) as response:
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            here = 0

        def step(done: int) -> bool:
            if done <= file.size_bytes and progress is not None:
                progress(file.name, done, file.size_bytes)
            return done <= file.size_bytes  # beyond, it is another file, as its digest will say

        here = _copy(response, part, here, step)
    if here < file.size_bytes:
        raise httpx.ReadError(f"the server stopped after {here} of {file.size_bytes} bytes")


def _continue_unknown_part(
    address: str, part: Path, file: WeightFile, progress: Progress | None
) -> None:
    tag = _tag_of(part)
    here = part.stat().st_size if part.exists() and tag.exists() else 0
    headers = {"Range": f"bytes={here}-", "If-Range": tag.read_text()} if here else {}
    with _opened(address, headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()
            raise httpx.ReadError("the part that is here is no beginning of the file")
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            here = 0
        total = _total(response, here)
        entity = response.headers.get("ETag", "")
        if entity.startswith('"'):
            tag.write_text(entity)
        else:
            tag.unlink(missing_ok=True)

        def step(done: int) -> bool:
            if max(done, total) > _MAX_UNKNOWN_BYTES:
                part.unlink(missing_ok=True)
                raise WeightsCorruptError(
                    f"{address} gives more than {_MAX_UNKNOWN_BYTES} bytes, which is no file of weights "
                    f"such as {file.name}. Nothing was kept."
                )
            if progress is not None:
                progress(file.name, done, total)
            return True

        here = _copy(response, part, here, step)
    if here < total:
        raise httpx.ReadError(f"the server stopped after {here} of {total} bytes")


def _opened(address: str, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
    return httpx.stream(
        "GET", address, headers=_AS_IT_IS | headers, follow_redirects=True, timeout=_TIMEOUT
    )


def _copy(response: httpx.Response, part: Path, here: int, step: Callable[[int], bool]) -> int:
    """Appends to the part, or begins it anew at 0; gives its size."""
    with part.open("ab" if here else "wb") as stream:
        for block in response.iter_bytes():
            here += len(block)
            stream.write(block)
            if not step(here):
                break
    return here


def _total(response: httpx.Response, here: int) -> int:
    """Size of the whole file; 0 where it is sent in chunks whose end is marked."""
    if here:
        placed = re.fullmatch(rf"bytes {here}-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if placed is None:
            raise httpx.ReadError("the server sent another part than was asked for")
        return int(placed[1])
    length = response.headers.get("Content-Length", "")
    if length.isdecimal():
        return int(length)
    if response.headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise httpx.ReadError("the server does not say where the file ends")
    return 0


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _tag_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _reason(address: str, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        answer = error.response
        return f"{address}: status {answer.status_code} {answer.reason_phrase}".rstrip()
    return f"{address}: {error or type(error).__name__}"


def _joined(reasons: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))
