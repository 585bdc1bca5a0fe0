"""The background jobs as routes use them: off the event loop, with the visitor as the actor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from faceprint.jobs import Job, Work
from faceprint.web.access import Visitor, check_csrf
from faceprint.web.state import state_of

__all__ = ["JobDesk", "Ready", "file_answer"]

_SPARE_BYTES = 64 * 2**20
"""That an upload leaves free, for the results."""

_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_SHOWN = frozenset({".jpg", ".mp4", ".png"})
"""Files that a page may show; all others are downloads."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An input that has arrived.

    Attributes:
        title: What is worked on, for people.
        work: The work.
    """

    title: str
    work: Work


class JobDesk:
    """The jobs for one request, off the event loop, with the visitor as the actor."""

    def __init__(self, request: Request, visitor: Visitor) -> None:
        self._request = request
        self._state = state_of(request)
        self._background = self._state.background
        self._visitor = visitor

    async def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        return await self._state.job_work.run(lambda: self._background.store.jobs())

    async def job(self, job_id: str) -> Job:
        """One job."""
        return await self._state.job_work.run(lambda: self._background.store.get(job_id))

    async def cancel(self, job_id: str) -> Job:
        """Tells a job to stop."""
        return await self._state.job_work.run(lambda: self._background.runner.cancel(job_id))

    async def delete(self, job_id: str) -> None:
        """Removes a job that has ended, with all its files."""
        await self._state.job_work.run(lambda: self._background.store.delete(job_id))

    async def folder(self, job: Job) -> Path:
        """Where the result of a job lies."""
        return await self._state.job_work.run(lambda: self._background.store.folder(job.job_id))

    async def file(self, job_id: str, name: str) -> Path:
        """One file of a job's result."""
        return await self._state.job_work.run(lambda: self._background.store.file(job_id, name))

    async def begin(self, kind: str, receive: Callable[[Path], Awaitable[Ready]]) -> Job:
        """Makes a job, receives its input and hands it over to be worked on.

        Args:
            kind: What is to be done, as in "video".
            receive: Given the folder for the input, stores it there and says what is to be done.

        Raises:
            HTTPException: 503 where too many uploads run, 507 where the disk is too full for it.
            JobsBusyError: Too many jobs wait.
            OutputError: The disk is full.
        """
        run = self._state.job_work.run
        with self._state.transfers.hold():
            await run(lambda: self._background.runner.check_room())
            self._check_space(await run(self._background.free_bytes))
            store = await run(lambda: self._background.store)
            job = await run(store.create, kind, "Upload", actor=self._visitor.actor)
            try:
                ready = await receive(store.inputs(job.job_id))
                await run(store.retitle, job.job_id, ready.title)
                return await run(self._background.runner.submit, job.job_id, ready.work)
            except BaseException:
                # Also where the request itself is cancelled, which leaves no time to wait for a thread.
                store.discard(job.job_id)
                raise

    def csrf_check(self) -> Callable[[Mapping[str, str]], None]:
        """What checks the token of a page's form, which comes before the files or as a header."""
        session = self._visitor.session
        header = self._request.headers.get("x-csrf-token")
        if header is not None:
            check_csrf(self._request, session, header)
            return lambda fields: None
        return lambda fields: check_csrf(self._request, session, fields.get("csrf", ""))

    def _check_space(self, free: int) -> None:
        announced = self._request.headers.get("content-length", "0")[:18]
        needed = int(announced) if announced.isdecimal() else 0
        if needed + _SPARE_BYTES > free:
            raise HTTPException(
                507,
                f"The disk has {free / 2**20:,.0f} MB left, too little for this. Free some space, "
                "or delete old jobs.",
            )


def file_answer(path: Path, *, download: bool = False) -> Response:
    """A file of a result, whole or in ranges; what a page cannot show is a download."""
    kind = _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    inline = path.suffix.lower() in _SHOWN and not download
    return FileResponse(path, media_type=kind, filename=None if inline else path.name)
