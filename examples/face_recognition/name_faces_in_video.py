"""Writes a copy of a video with a name over each face.

Written for face_recognition but for one import; frames come and go through faceprint. Run it with::

    pip install 'faceprint[dlib]'
    python examples/face_recognition/name_faces_in_video.py PEOPLE VIDEO named.mp4

PEOPLE is a folder with a folder of photos for each person. Faces are looked for in every third frame;
`--every 1` looks at all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from faceprint.compat import face_recognition
from faceprint.media import Mark, draw_faces
from faceprint.media.video import Frame, Video, VideoWriter

BLUE = (0, 114, 178)
GREY = (128, 128, 128)
DEFAULT_FPS = 25.0


def main(
    people: Path,
    video: Path,
    out: Path,
    every: Annotated[int, typer.Option(min=1, help="Look at one frame out of these.")] = 3,
    tolerance: float = 0.5,
) -> None:
    """Names the faces of a video by those of a folder per person."""
    known = {
        photo: encoding
        for photo in sorted(people.glob("*/*"))
        for encoding in face_recognition.face_encodings(face_recognition.load_image_file(photo))[:1]
    }
    seen: dict[str, int] = {}
    with Video(video) as frames, writer(frames, video, out) as result:
        for some in in_groups(frames.frames(), every):
            marks = name_faces(some[0], known, tolerance)
            for name in {mark.label for mark in marks if mark.label}:
                seen[name] = seen.get(name, 0) + len(some)
            for frame in some:
                result.write(draw_faces(frame.pixels, marks, steady=True), frame.time_s)
    for name, count in sorted(seen.items()):
        typer.echo(f"{name} in {count} frames")


def in_groups(frames: Iterator[Frame], every: int) -> Iterator[list[Frame]]:
    """Frames that share what was found in the first of them."""
    group: list[Frame] = []
    for frame in frames:
        group.append(frame)
        if len(group) == every:
            yield group
            group = []
    if group:
        yield group


def name_faces(frame: Frame, known: dict[Path, np.ndarray], tolerance: float) -> list[Mark]:
    """The faces of a frame, with the name of the nearest known one."""
    places = face_recognition.face_locations(frame.pixels)
    marks = []
    for (top, right, bottom, left), encoding in zip(
        places, face_recognition.face_encodings(frame.pixels, places), strict=True
    ):
        distances = face_recognition.face_distance(list(known.values()), encoding)
        nearest = int(np.argmin(distances)) if len(distances) else -1
        name = list(known)[nearest].parent.name if is_near(distances, tolerance) else ""
        box = np.array([left, top, right, bottom], dtype=np.float32)
        marks.append(Mark(box, None, name, BLUE if name else GREY))
    return marks


def is_near(distances: np.ndarray, tolerance: float) -> bool:
    """Whether the nearest face is near enough."""
    return bool(len(distances) and distances.min() <= tolerance)


def writer(frames: Video, source: Path, out: Path) -> VideoWriter:
    """For a video of the same size, rate and sound."""
    info = frames.info
    return VideoWriter(
        out,
        width=info.width,
        height=info.height,
        fps=info.fps or DEFAULT_FPS,
        sound_from=source if info.has_audio else None,
    )


if __name__ == "__main__":
    typer.run(main)
