"""Large uploads, written to the disk as they arrive and never held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import anyio.to_thread
import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from faceprint.errors import OutputError
from faceprint.web.forms import Form
from faceprint.web.jobs.file_names import disk_name, display_path
from faceprint.web.state import state_of

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["StoredFile", "UploadPlan", "store_upload"]

_MAX_FIELDS = 40
_MAX_FIELD_BYTES = 64 * 2**10
_MAX_HEADER_BYTES = 16 * 2**10
_BATCH_BYTES = 512 * 2**10


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file that was uploaded to the disk.

    Attributes:
        name: What the sender calls it, made safe to show.
        path: Where it lies; None where it was too large and not kept.
        size: Bytes.
    """

    name: str
    path: Path | None
    size: int


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What an upload may hold and where it goes.

    Attributes:
        folder: For the files.
        most_files: How many files are taken.
        most_bytes: Largest file.
        check_fields: Called with the fields that came before the first file, and once more at the
            end; raises to refuse the rest.
        wanted: Whether a file of that name is kept at all.
        skip_large: Whether a file that is too large is left out, rather than refusing everything.
    """

    folder: Path
    most_files: int
    most_bytes: int
    check_fields: Callable[[Mapping[str, str]], None]
    wanted: Callable[[str], bool] = lambda _name: True
    skip_large: bool = False


async def store_upload(request: Request, plan: UploadPlan) -> tuple[Form, tuple[StoredFile, ...]]:
    """Writes the files of a form to the disk; or the whole body, where it is not a form.

    A body that is no form is one file, whose name and fields are the query of the address.

    Args:
        request: Its body has not been read.
        plan: What is taken and where it goes; the caller removes the folder after an error.

    Raises:
        HTTPException: 413 for too many bytes, 400 for a form that cannot be read or that breaks
            off, 408 where nothing comes for too long.
        OutputError: The disk is full.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    sink: _Form | _Body
    if kind == b"multipart/form-data":
        if b"boundary" not in options:
            raise HTTPException(400, "Missing boundary in multipart.")
        sink = _Form(plan, options[b"boundary"])
    else:
        sink = _Body(plan, dict(request.query_params))
    try:
        async for batch in _batches(request):
            await anyio.to_thread.run_sync(sink.write, batch)
        await anyio.to_thread.run_sync(sink.finish)
    except FormParserError as error:
        raise HTTPException(400, "The form cannot be read, or it breaks off.") from error
    except OSError as error:
        raise OutputError(
            f"The upload cannot be written to the disk: {error.strerror or error}. Free some space, "
            "or delete old jobs."
        ) from error
    finally:
        sink.close()
    return Form(sink.fields, {}), tuple(sink.files)


async def _batches(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces that are worth handing to a thread."""
    stall_s = state_of(request).options.stall_s
    stream = aiter(request.stream())
    batch = bytearray()
    while True:
        try:
            async with asyncio.timeout(stall_s):
                piece = await anext(stream)
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise HTTPException(408, "The upload stood still for too long.") from error
        except ClientDisconnect as error:
            raise HTTPException(400, "The upload broke off.") from error
        batch += piece
        if len(batch) >= _BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


class _Files:
    """Writes one file after the other."""

    def __init__(self, plan: UploadPlan) -> None:
        self._plan = plan
        self._open: BinaryIO | None = None
        self._name = ""
        self._path = Path()
        self._size = 0
        self.files: list[StoredFile] = []
        self.fields: dict[str, str] = {}

    def begin_file(self, raw_name: str) -> None:
        """Starts a file."""
        self._plan.check_fields(self.fields)
        if len(self.files) >= self._plan.most_files:
            raise HTTPException(
                400, f"At most {self._plan.most_files} files are taken at once. Send fewer."
            )
        self._name = display_path(raw_name)
        number = len(self.files) + 1
        self._path = self._plan.folder / f"{number:05d}" / disk_name(self._name)
        self._path.parent.mkdir()
        self._size = 0
        self._open = self._path.open("xb")

    def add(self, data: bytes) -> None:
        """Adds to the file."""
        self._size += len(data)
        if self._size > self._plan.most_bytes:
            if not self._plan.skip_large:
                most = self._plan.most_bytes / 2**20
                raise HTTPException(
                    413, f"{self._name} is larger than the {most:,.1f} MB that are taken."
                )
            self._drop()
        elif self._open is not None:
            self._open.write(data)

    def end_file(self) -> None:
        """Ends the file."""
        kept = self._open is not None
        self.close()
        self.files.append(StoredFile(self._name, self._path if kept else None, self._size))

    def close(self) -> None:
        """Closes what is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _drop(self) -> None:
        if self._open is not None:
            self.close()
            self._path.unlink()


class _Body(_Files):
    """A body that is one file."""

    def __init__(self, plan: UploadPlan, fields: dict[str, str]) -> None:
        super().__init__(plan)
        self.fields = fields
        self._began = False

    def write(self, data: bytes) -> None:
        """Takes a piece of the body."""
        if not self._began:
            self._began = True
            self.begin_file(self.fields.get("name", ""))
        self.add(data)

    def finish(self) -> None:
        """Ends the body."""
        self._plan.check_fields(self.fields)
        if self._began:
            self.end_file()


@dataclass(slots=True)
class _Part:
    """One part of a form."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    header_name: bytes = b""
    header_value: bytes = b""
    name: str = ""
    is_file: bool = False
    is_kept: bool = False
    data: bytearray = field(default_factory=bytearray)


class _Form(_Files):
    """A multipart form."""

    def __init__(self, plan: UploadPlan, boundary: bytes) -> None:
        super().__init__(plan)
        self._part = _Part()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
        }
        self._parser = python_multipart.MultipartParser(boundary, callbacks)

    def write(self, data: bytes) -> None:
        """Takes a piece of the body."""
        self._parser.write(data)

    def finish(self) -> None:
        """Ends the body."""
        self._parser.finalize()
        if self._open is not None:
            raise HTTPException(400, "The upload broke off.")
        self._plan.check_fields(self.fields)

    def _on_part_begin(self) -> None:
        self._part = _Part()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]
        self._check_header()

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._part.header_name) + len(self._part.header_value) > _MAX_HEADER_BYTES:
            raise HTTPException(400, "A part of the form has too long a header.")

    def _on_header_end(self) -> None:
        self._part.headers[self._part.header_name.lower()] = self._part.header_value
        self._part.header_name = self._part.header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition"))
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        raw_name = options.get(b"filename")
        self._part.is_file = raw_name is not None
        if raw_name:
            name = raw_name.decode("utf-8", "replace")
            self._part.is_kept = self._plan.wanted(name)
            if self._part.is_kept:
                self.begin_file(name)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_kept:
            self.add(data[start:end])
        elif not self._part.is_file:
            self._part.data += data[start:end]
            if len(self._part.data) > _MAX_FIELD_BYTES:
                raise HTTPException(400, f"The field {self._part.name[:40]} is too long.")

    def _on_part_end(self) -> None:
        if self._part.is_kept:
            self.end_file()
        elif not self._part.is_file:
            if len(self.fields) >= _MAX_FIELDS:
                raise HTTPException(400, f"At most {_MAX_FIELDS} fields are taken.")
            self.fields[self._part.name] = self._part.data.decode("utf-8", "replace")
