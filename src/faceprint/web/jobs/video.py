"""A video as a background job: what is asked for, the work, and naming people from its result."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprint.errors import FaceprintError, InputError
from faceprint.gallery.records import Call, Consent
from faceprint.jobs import JobContext, JobOutcome, Work
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.results import Enrolment
from faceprint.web.forms import Form

if TYPE_CHECKING:
    from faceprint.pipeline.video.results import VideoIdentification

__all__ = ["LABELLED", "VideoOrder", "name_person", "read_order", "video_work"]

LABELLED = ("labelled.mp4", "labelled.partial.mp4")
"""What the video with names is called, whole or in part."""

_LOOKING = 0.7
"""Share of the time that goes into finding faces where names are also written over the video."""

_MAX_EVERY = 1000
_naming = threading.Lock()


@dataclass(frozen=True, slots=True)
class VideoOrder:
    """What is asked of a video.

    Attributes:
        start_s: Where to begin, seconds.
        end_s: Where to end; None for the end of the video.
        every: Detect in every n-th frame; None to choose by itself.
        labelled: Whether to write the video with names over it.
    """

    start_s: float = 0.0
    end_s: float | None = None
    every: int | None = None
    labelled: bool = True


def read_order(form: Form) -> VideoOrder:
    """The order that the fields of a form amount to.

    Raises:
        InputError: A field means nothing.
    """
    start, end = _moment(form, "start"), _moment(form, "end")
    if end is not None and end <= (start or 0.0):
        raise InputError(f"The part ends at {end:g} s, before it starts at {start or 0:g} s.")
    every = form.index("every")
    if every is not None and not 1 <= every <= _MAX_EVERY:
        raise InputError(f"The field every goes from 1 to {_MAX_EVERY}, got {every}.")
    labelled = form.flag("labelled") if "labelled" in form.fields else True
    return VideoOrder(start or 0.0, end, every, labelled)


def _moment(form: Form, name: str) -> float | None:
    """Seconds, from 90, 1:30 or 0:01:30.5."""
    text = form.text(name)
    if not text:
        return None
    if not re.fullmatch(r"(\d{1,6}:){0,2}\d{1,6}(\.\d{1,6})?", text, re.ASCII):
        raise InputError(f"The field {name} is a time like 90 or 1:30, got {text[:20]!r}.")
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def video_work(engine: Faceprint, video: Path, order: VideoOrder, *, call: Call) -> Work:
    """The work of a job that says who is in a video.

    Args:
        engine: What finds and names faces.
        video: In the input of the job.
        order: What is asked for.
        call: Who asks, and what for.
    """

    def work(context: JobContext) -> JobOutcome:
        # Decoders of video take time to import.
        from faceprint.pipeline.video.files import save_timeline, write_timeline
        from faceprint.pipeline.video.results import VideoPlan

        plan = VideoPlan(every=order.every, start_s=order.start_s, end_s=order.end_s)
        share = _LOOKING if order.labelled else 1.0
        found = engine.identify_video(
            video,
            call=call,
            plan=plan,
            on_progress=_reporter(context, "Looking for faces", 0.0, share),
            stop=context.stopped,
        )
        context.progress(share, 1.0, "Writing the timeline")
        timeline = write_timeline(found, context.folder)
        partial = found.partial
        if order.labelled and not context.stopped():
            problem = _write_labelled(engine, found, video, context)
            partial = partial or problem
            save_timeline(timeline)  # now with the video in its page
        return JobOutcome(_summary(found), partial=partial)

    return work


def _write_labelled(
    engine: Faceprint, found: VideoIdentification, video: Path, context: JobContext
) -> str | None:
    """Writes names over the video, and says why they are not all there."""
    from faceprint.pipeline.video.labelling import write_labelled

    try:
        write_labelled(
            found,
            video,
            context.folder / LABELLED[0],
            max_pixels=engine.settings.max_pixels,
            on_progress=_reporter(context, "Writing names over the video", _LOOKING, 1.0),
            stop=context.stopped,
        )
    except FaceprintError as error:
        return f"The timeline is whole, the video with names is not: {error}"
    return None


def _reporter(
    context: JobContext, doing: str, begin: float, end: float
) -> Callable[[float, float | None], None]:
    """Turns seconds of video into the progress of the job, between two shares of it."""
    from faceprint.pipeline.video.page import clock

    def report(done_s: float, total_s: float | None) -> None:
        if not total_s:
            context.progress(begin, None, f"{doing}: {clock(int(done_s))}")
            return
        share = min(1.0, done_s / total_s)
        text = f"{doing}: {clock(int(done_s))} of {clock(int(total_s))}"
        context.progress(begin + (end - begin) * share, 1.0, text)

    return report


def _summary(found: VideoIdentification) -> dict[str, Any]:
    named = sum(person.who.name is not None for person in found.people)
    return {
        "people": len(found.people),
        "named": named,
        "unknown": len(found.people) - named,
        "tracks": len(found.tracks),
        "frames": found.frames,
        "seconds": round(found.to_s - found.from_s, 3),
        "damaged_frames": found.damaged_frames,
    }


def name_person(
    engine: Faceprint,
    folder: Path,
    key: str,
    *,
    name: str,
    person_id: str | None,
    new: bool,
    consent: Consent | None,
    call: Call,
) -> Enrolment:
    """Enrols a person of a video from the pictures of its result, and names them there.

    Raises:
        InputError: There is no such person in the video.
        ConsentError: There is no valid consent.
        PersonNotFoundError: The name exists several times.
    """
    from faceprint.pipeline.video.files import enrol_from_timeline, read_timeline

    # Two who name people of one video at the same time would overwrite each other.
    with _naming:
        if key not in {person["key"] for person in read_timeline(folder).people}:
            raise InputError(f"There is no person {key[:20]!r} in this video.")
        return enrol_from_timeline(
            engine, folder, key, name, call=call, consent=consent, person_id=person_id, new=new
        )
