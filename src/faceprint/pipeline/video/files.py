"""The result of a video as files: a timeline to read and to compute with, pictures, a labelled video.

A result folder holds `timeline.json`, `timeline.csv`, `timeline.html`, the best looks at each person
under `faces/`, and `labelled.mp4` where it was asked for. It holds pictures of people who were not
asked: whoever makes it decides who may see it, and when it is deleted. Embeddings are not kept.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprint.errors import InputError, OutputError
from faceprint.gallery.records import Call, Consent
from faceprint.pipeline.enrolling import KeepPicture
from faceprint.pipeline.results import Enrolment
from faceprint.pipeline.video.page import timeline_page
from faceprint.pipeline.video.results import VideoIdentification

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["Timeline", "enrol_from_timeline", "read_timeline", "write_timeline"]

JsonObject = dict[str, Any]

_COLUMNS = ("who", "from_s", "to_s", "confidence", "decision", "person_id", "person", "track")


@dataclass(frozen=True, slots=True)
class Timeline:
    """A result folder, read.

    Attributes:
        folder: Where it is.
        record: The content of `timeline.json`.
    """

    folder: Path
    record: JsonObject

    @property
    def people(self) -> list[JsonObject]:
        """The people, as `timeline.json` has them."""
        people: list[JsonObject] = self.record["people"]
        return people

    def person(self, key_or_label: str) -> JsonObject:
        """The person of a key, as in "p2", or of a label, as in "Person 1".

        Raises:
            InputError: There is none, or several have that label.
        """
        wanted = key_or_label.strip().casefold()
        found = [p for p in self.people if p["key"] == wanted]
        found = found or [p for p in self.people if p["label"].casefold() == wanted]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{p['key']} ({p['label']})" for p in self.people) or "nobody"
        what = "Several people are" if found else "Nobody is"
        raise InputError(f"{what} called {key_or_label!r} in {self.folder}. There: {known}.")

    def faces(self, person: JsonObject) -> list[Path]:
        """The pictures of a person, best first."""
        return [self.folder / "faces" / Path(name).name for name in person["faces"]]


def write_timeline(found: VideoIdentification, folder: Path) -> Timeline:
    """Writes the result of a video into a folder, which is made if need be.

    The old timeline of that folder is replaced as a whole.

    Raises:
        OutputError: The disk is full, or the folder may not be written.
    """
    pictures = {
        f"{person.key}-{number}.jpg": data
        for person in found.people
        for number, data in enumerate(person.pictures, 1)
    } | {f"t{track.track_id}.jpg": track.picture for track in found.tracks}
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _replace_folder(folder / "faces", pictures)
    timeline = Timeline(folder, found.to_dict())
    _write(timeline)
    return timeline


def read_timeline(folder: Path) -> Timeline:
    """The timeline of a result folder.

    Raises:
        InputError: There is none, or it is not one.
    """
    path = folder / "timeline.json"
    try:
        record = json.loads(path.read_text("utf-8"))
        if not {"video", "people", "tracks", "analysed"} <= record.keys():
            raise ValueError("it has other fields")
    except OSError as error:
        raise InputError(
            f"{folder} holds no result of a video ({path.name}: {error.strerror}). Make one with: "
            "faceprint video identify FILE --out FOLDER"
        ) from error
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} is not a timeline of faceprint: {error}.") from error
    return Timeline(folder, record)


def enrol_from_timeline(
    engine: Faceprint,
    folder: Path,
    key: str,
    name: str,
    *,
    call: Call,
    consent: Consent | None,
    person_id: str | None = None,
    new: bool = False,
    keep: KeepPicture = "crop",
    notes: str = "",
) -> Enrolment:
    """Enrols a person of a video from the kept pictures, and names them in the result folder.

    Args:
        engine: Whose gallery gets the person.
        folder: The result folder.
        key: The person there: "p2", or "Person 1".
        name: What to call the person.
        call: Who enrols, and what for.
        consent: The person's consent; needed for a new person.
        person_id: Add to this person instead.
        new: Make another person even if the name exists.
        keep: What picture the gallery keeps.
        notes: Kept with the person.

    Raises:
        InputError: No such person in the video, or no pictures.
        ConsentError: There is no valid consent.
    """
    timeline = read_timeline(folder)
    person = timeline.person(key)
    photos = [path for path in timeline.faces(person) if path.is_file()]
    if not photos:
        raise InputError(f"{folder} keeps no pictures of {person['label']} to enrol from.")
    done = engine.enrol(
        name,
        photos,
        call=call,
        consent=consent,
        person_id=person_id,
        new=new,
        largest=True,
        keep=keep,
        notes=notes,
    )
    enrolled = done.receipt.person
    named = {"label": enrolled.name, "name": enrolled.name, "person_id": enrolled.person_id}
    person |= named | {"decision": "match", "enrolled_from_here": True}
    _write(timeline)
    return done


def _write(timeline: Timeline) -> None:
    record = timeline.record
    files = {
        "timeline.csv": _csv(record),
        "timeline.html": timeline_page(record, labelled=_labelled(timeline.folder)),
        "timeline.json": json.dumps(record, ensure_ascii=False, indent=2) + "\n",
    }
    with _writing(timeline.folder):
        for name, text in files.items():
            _replace_file(timeline.folder / name, text.encode())


def _labelled(folder: Path) -> str | None:
    """The labelled video beside a timeline, whole or in part."""
    names = ("labelled.mp4", "labelled.partial.mp4")
    return next((name for name in names if (folder / name).is_file()), None)


def _csv(record: JsonObject) -> str:
    people = {person["key"]: person for person in record["people"]}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in sorted(_rows(record["tracks"], people), key=lambda row: (row[1], row[-1])):
        writer.writerow(row)
    return stream.getvalue()


def _rows(tracks: Sequence[JsonObject], people: dict[str, JsonObject]) -> Iterator[tuple[Any, ...]]:
    for track in tracks:
        person = people[track["person"]]
        for start, end in track["spans"]:
            yield (
                _harmless(person["label"]),
                start,
                end,
                track["score"],
                person["decision"],
                person["person_id"],
                person["key"],
                track["track"],
            )


def _harmless(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to {folder}: {error.strerror or error}. Free some space, "
            "or choose another folder with --out."
        ) from error


def _replace_file(target: Path, data: bytes) -> None:
    draft = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _replace_folder(target: Path, files: dict[str, bytes]) -> None:
    """Fills a folder beside the old one, then takes its place."""
    draft = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        draft.mkdir()
        for name, data in files.items():
            (draft / name).write_bytes(data)
        if target.exists():
            shutil.rmtree(target)
        draft.replace(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
