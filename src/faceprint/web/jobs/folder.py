"""Many photos as a background job: who is in which of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from faceprint.errors import ImageTooLargeError, OutputError
from faceprint.files import write_whole
from faceprint.gallery.records import Call
from faceprint.jobs import JobContext, JobOutcome, Work
from faceprint.media import encode_image
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.results import Failure, Identification, IdentifiedFace
from faceprint.pipeline.video.files import harmless_cell
from faceprint.types import Decision, Image
from faceprint.web.forms import Upload
from faceprint.web.jobs.uploads import StoredFile

__all__ = ["RESULT", "folder_work", "read_result"]

RESULT = "photos.json"

_THUMB_PX = 320
_COLUMNS = ("photo", "face", "decision", "name", "score", "person_id", "x1", "y1", "x2", "y2")


def folder_work(
    engine: Faceprint, photos: Sequence[StoredFile], *, left_out: int, call: Call, thorough: bool
) -> Work:
    """The work of a job that names the people in many photos.

    Args:
        engine: What finds and names faces.
        photos: In the input of the job.
        left_out: How many files were no photos, and not kept.
        call: Who asks, and what for.
        thorough: Look for very small faces, too.
    """

    def work(context: JobContext) -> JobOutcome:
        book = _Book(context.folder)
        kept = [photo for photo in photos if photo.path is not None]
        for photo in photos:
            if photo.path is None:
                book.fail(photo.name, Failure.of(photo.name, _too_large(photo)))
        context.progress(0, len(kept), f"0 of {len(kept)} photos")
        results = engine.identify_many(_read(kept, context), call=call, thorough=thorough)
        for done, (photo, result) in enumerate(zip(kept, results, strict=False), 1):
            book.add(photo.name, result)
            context.progress(done, len(kept), f"{done} of {len(kept)} photos")
        partial = None
        if book.seen < len(kept):
            partial = f"{book.seen} of {len(kept)} photos were looked at."
        return JobOutcome(book.write(left_out=left_out, partial=partial), partial=partial)

    return work


def read_result(folder: Path) -> dict[str, Any]:
    """What a job over photos has found.

    Raises:
        OutputError: It cannot be read.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RESULT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError("The result of this job cannot be read. Start it again.") from error
    return record


def _read(photos: Sequence[StoredFile], context: JobContext) -> Iterator[io.BytesIO]:
    """Photos one by one, under the names that people know; never many of them in memory."""
    for photo in photos:
        if context.stopped():
            return
        assert photo.path is not None
        yield Upload(photo.name, photo.path.read_bytes()).open()


def _too_large(photo: StoredFile) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"It has more than the {photo.size / 2**20:.1f} MB that one photo may have. Send a smaller copy."
    )


@dataclass(slots=True)
class _Somebody:
    """One enrolled person and where they are."""

    person_id: str
    name: str
    photos: dict[int, float] = field(default_factory=dict)
    best: float = -2.0
    crop: Image | None = None


class _Book:
    """Notes down what is found, and keeps small pictures of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._photos: list[dict[str, Any]] = []
        self._failures: list[dict[str, Any]] = []
        self._people: dict[str, _Somebody] = {}
        self._model: str | None = None
        self.seen = 0

    def add(self, name: str, result: Identification | Failure) -> None:
        """Notes one photo."""
        self.seen += 1
        if isinstance(result, Failure):
            self.fail(name, result)
            return
        number = len(self._photos) + 1
        self._model = result.embedded.embeddings.model_id
        for face, crop in zip(result.faces, result.embedded.crops, strict=True):
            if face.decision is Decision.MATCH and face.person_id is not None:
                self._meet(face, number, crop)
        self._photos.append(
            {
                "photo": number,
                "name": name,
                "width": result.detection.width,
                "height": result.detection.height,
                "thumb": self._thumb(number, result) if result.faces else None,
                "faces": [face.to_dict() for face in result.faces],
            }
        )

    def fail(self, name: str, failure: Failure) -> None:
        """Notes a photo that could not be used."""
        self._failures.append({"name": name, "code": failure.code, "message": failure.message})

    def write(self, *, left_out: int, partial: str | None) -> dict[str, Any]:
        """Writes the files of the result.

        Returns:
            The numbers that sum it up.
        """
        decisions = [face["decision"] for photo in self._photos for face in photo["faces"]]
        summary = {
            "photos": len(self._photos),
            "faces": len(decisions),
            "people": len(self._people),
            "unknown_faces": decisions.count(Decision.UNKNOWN),
            "unsure_faces": decisions.count(Decision.UNSURE),
            "failures": len(self._failures),
            "left_out": left_out,
        }
        record = {
            "model": self._model,
            "partial": partial,
            "summary": summary,
            "people": self._write_people(),
            "photos": self._photos,
            "failures": self._failures,
        }
        self._write_text(RESULT, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
        self._write_text("photos.csv", _table(self._photos))
        return summary

    def _meet(self, face: IdentifiedFace, number: int, crop: Image) -> None:
        assert face.person_id is not None
        assert face.score is not None
        somebody = self._people.setdefault(
            face.person_id, _Somebody(face.person_id, face.name or "")
        )
        somebody.photos[number] = max(face.score, somebody.photos.get(number, -1.0))
        if face.score > somebody.best:
            somebody.best, somebody.crop = face.score, crop.copy()

    def _write_people(self) -> list[dict[str, Any]]:
        people = []
        ordered = sorted(
            self._people.values(), key=lambda one: (-len(one.photos), one.name.casefold())
        )
        for place, one in enumerate(ordered, 1):
            assert one.crop is not None
            name = f"faces/p{place}.jpg"
            self._write_picture(name, one.crop)
            photos = [{"photo": k, "score": round(score, 4)} for k, score in one.photos.items()]
            people.append(
                {"person_id": one.person_id, "name": one.name, "face": name, "photos": photos}
            )
        return people

    def _thumb(self, number: int, result: Identification) -> str:
        name = f"photos/{number:05d}.jpg"
        picture = Pillow.fromarray(result.detection.pixels)
        picture.thumbnail((_THUMB_PX, _THUMB_PX), reducing_gap=2.0)
        self._write_picture(name, np.asarray(picture))
        return name

    def _write_picture(self, name: str, pixels: Image) -> None:
        self._write_bytes(name, encode_image(pixels, quality=82))

    def _write_text(self, name: str, text: str) -> None:
        self._write_bytes(name, text.encode())

    def _write_bytes(self, name: str, data: bytes) -> None:
        path = self._folder / name
        try:
            path.parent.mkdir(exist_ok=True)
            write_whole(path, data)
        except OSError as error:
            raise OutputError(
                f"The result cannot be written: {error.strerror or error}. Free some space, or "
                "delete old jobs, and start this again."
            ) from error


def _table(photos: Sequence[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for photo in photos:
        for number, face in enumerate(photo["faces"]):
            values = (face["decision"], face["name"], face["score"], face["person_id"])
            cells = (photo["name"], number, *values, *face["box"])
            writer.writerow(harmless_cell(cell) for cell in cells)
        if not photo["faces"]:
            writer.writerow([harmless_cell(photo["name"])] + [""] * (len(_COLUMNS) - 1))
    return stream.getvalue()
