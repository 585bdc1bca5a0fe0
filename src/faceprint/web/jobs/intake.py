"""From the upload of a video or of many photos to a background job."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from fastapi import Request

from faceprint.errors import InputError
from faceprint.jobs import Job
from faceprint.media.signature import PHOTO_SUFFIXES
from faceprint.web.access import Visitor
from faceprint.web.forms import Form
from faceprint.web.jobs.desk import JobDesk, Ready
from faceprint.web.jobs.folder import folder_work
from faceprint.web.jobs.uploads import UploadPlan, store_upload
from faceprint.web.jobs.video import read_order, video_work
from faceprint.web.state import state_of

__all__ = ["CheckFields", "begin_folder", "begin_video"]

CheckFields = Callable[[Mapping[str, str]], None]
"""Refuses an upload by the fields that came before its first file."""


async def begin_video(request: Request, visitor: Visitor, check: CheckFields) -> Job:
    """Receives a video and starts the job that says who is in it.

    Raises:
        HTTPException: The upload is too large or broken, or there is no place for it.
        InputError: No video came, or a field means nothing.
    """
    state = state_of(request)

    def check_all(fields: Mapping[str, str]) -> None:
        check(fields)
        read_order(Form(fields, {}))

    async def receive(folder: Path) -> Ready:
        plan = UploadPlan(folder, 1, state.options.max_video_bytes, check_all)
        form, files = await store_upload(request, plan)
        if not files or files[0].path is None or not files[0].size:
            raise InputError("Choose a video.")
        call = visitor.call("identify a video")
        work = video_work(state.engine, files[0].path, read_order(form), call=call)
        return Ready(PurePosixPath(files[0].name).name, work)

    return await JobDesk(request, visitor).begin("video", receive)


async def begin_folder(request: Request, visitor: Visitor, check: CheckFields) -> Job:
    """Receives many photos and starts the job that says who is in which of them.

    Raises:
        HTTPException: The upload is too large or broken, or there is no place for it.
        InputError: No photo came.
    """
    state = state_of(request)
    others: list[str] = []

    def is_photo(name: str) -> bool:
        last = PurePosixPath(re.split(r"[/\\]", name)[-1])
        wanted = last.suffix.lower() in PHOTO_SUFFIXES and not last.name.startswith(".")
        if not wanted:
            others.append(name)
        return wanted

    async def receive(folder: Path) -> Ready:
        plan = UploadPlan(
            folder,
            state.options.max_folder_photos,
            state.options.max_upload_bytes,
            check,
            wanted=is_photo,
            skip_large=True,
        )
        form, files = await store_upload(request, plan)
        if not files:
            raise InputError(
                "None of the files is a photo. Expected names that end in "
                f"{', '.join(sorted(PHOTO_SUFFIXES))}."
                if others
                else "Choose a folder, or some photos."
            )
        work = folder_work(
            state.engine,
            files,
            left_out=len(others),
            call=visitor.call("identify photos"),
            thorough=form.flag("thorough"),
        )
        return Ready(_title([file.name for file in files]), work)

    return await JobDesk(request, visitor).begin("folder", receive)


def _title(names: list[str]) -> str:
    """The folder that the photos come from, where there is one, and how many they are.

    >>> _title(["holiday/a.jpg", "holiday/b/c.jpg"]), _title(["a.jpg", "b.jpg"]), _title(["a.jpg"])
    ('holiday (2 photos)', '2 photos', 'a.jpg')
    """
    if len(names) == 1:
        return names[0]
    tops = {name.partition("/")[0] if "/" in name else "" for name in names}
    count = f"{len(names):,} photos"
    return count if len(tops) > 1 or "" in tops else f"{tops.pop()} ({count})"
