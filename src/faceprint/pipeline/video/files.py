"""The result of a video as files: a timeline to read and to compute with, pictures, a labelled video.

A result folder holds `timeline.json`, `timeline.csv`, `timeline.html`, the best looks at each person
under `faces/`, and `labelled.mp4` where it was asked for. It holds pictures of people who were not
asked: whoever makes it decides who may see it, and when it is deleted. Embeddings are not kept.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprint.errors import InputError, OutputError
from faceprint.files import write_whole
from faceprint.gallery.records import Call, Consent
from faceprint.geometry import iou_matrix
from faceprint.pipeline.enrolling import KeepPicture
from faceprint.pipeline.results import Enrolment
from faceprint.pipeline.video.page import timeline_page
from faceprint.pipeline.video.results import VideoIdentification

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = [
    "Timeline",
    "enrol_from_timeline",
    "harmless_cell",
    "read_timeline",
    "save_timeline",
    "write_timeline",
]

JsonObject = dict[str, Any]

_LABELLED = ("labelled.mp4", "labelled.partial.mp4")
_OURS = re.compile(r"(?:t\d+|[np]\d+-\d+)\.jpg")
_ENROLLED_LOOKS = 3
"""Looks of one video are much alike: more of them would raise the threshold and add little."""

_SAME_FACE = 0.4
"""Overlap with the face that a picture was taken for."""

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

    An old timeline in that folder is replaced, with its pictures and its labelled video; other files
    stay.

    Raises:
        OutputError: The disk is full, or the folder may not be written.
    """
    pictures = {
        f"{person.key}-{number}.jpg": picture.data
        for person in found.people
        for number, picture in enumerate(person.pictures, 1)
    } | {f"t{track.track_id}.jpg": track.picture for track in found.tracks}
    faces = folder / "faces"
    with _writing(folder):
        faces.mkdir(parents=True, exist_ok=True)
        for name in _LABELLED:
            (folder / name).unlink(missing_ok=True)
        for old in faces.iterdir():
            if _OURS.fullmatch(old.name) and old.name not in pictures:
                old.unlink()
        for name, data in pictures.items():
            write_whole(faces / name, data)
    timeline = Timeline(folder, found.to_dict())
    save_timeline(timeline)
    return timeline


def save_timeline(timeline: Timeline) -> None:
    """Writes the tables and the page of a timeline anew, as after its labelled video was written.

    Raises:
        OutputError: The disk is full, or the folder may not be written.
    """
    record = timeline.record
    files = {
        "timeline.csv": _csv(record),
        "timeline.html": timeline_page(record, labelled=_labelled(timeline.folder)),
        "timeline.json": json.dumps(record, ensure_ascii=False, indent=2) + "\n",
    }
    with _writing(timeline.folder):
        for name, text in files.items():
            write_whole(timeline.folder / name, text.encode())


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
        InputError: No such person in the video, or none of the pictures is clear enough.
        ConsentError: There is no valid consent.
    """
    timeline = read_timeline(folder)
    person = timeline.person(key)
    photos, faces = _photos(engine, timeline, person)
    done = engine.enrol(
        name,
        photos,
        call=call,
        consent=consent,
        person_id=person_id,
        new=new,
        face=faces,
        keep=keep,
        notes=notes,
    )
    enrolled = done.receipt.person
    person |= {"label": enrolled.name, "name": enrolled.name, "person_id": enrolled.person_id}
    person |= {
        "decision": "match",
        "score": None,
        "probability": None,
        "candidates": [],
        "enrolled_from_here": True,
    }
    save_timeline(timeline)
    return done


def _photos(
    engine: Faceprint, timeline: Timeline, person: JsonObject
) -> tuple[list[Path], list[int]]:
    """The clear pictures of a person, and which face in each is theirs: others may be in it too."""
    photos, faces = [], []
    for look in person.get("looks", []):
        path = timeline.folder / "faces" / Path(look["file"]).name
        if not look["clear"] or not path.is_file():
            continue
        found = engine.detect(path).faces
        if not found:
            continue
        box = np.array([look["box"]], dtype=np.float32)
        overlaps = iou_matrix(box, np.stack([face.box for face in found]))[0]
        if overlaps.max() >= _SAME_FACE:
            photos.append(path)
            faces.append(int(overlaps.argmax()))
        if len(photos) == _ENROLLED_LOOKS:
            break
    if not photos:
        raise InputError(
            f"{person['label']} is not clear enough in this video to be known again. Enrol from a "
            "photo: faceprint enrol NAME PHOTO"
        )
    return photos, faces


def harmless_cell(cell: object) -> object:
    """A cell of a table that a spreadsheet does not take for a formula; numbers stay as they are."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell


def _labelled(folder: Path) -> str | None:
    """The labelled video beside a timeline, whole or in part."""
    return next((name for name in _LABELLED if (folder / name).is_file()), None)


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
                harmless_cell(person["label"]),
                start,
                end,
                None if person.get("enrolled_from_here") else track["score"],
                person["decision"],
                person["person_id"],
                person["key"],
                track["track"],
            )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to {folder}: {error.strerror or error}. Free some space, "
            "or choose another folder with --out."
        ) from error
