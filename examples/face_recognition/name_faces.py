"""Finds the faces of a photo, says who they are, and draws their names.

Written for face_recognition but for one import. Run it with::

    pip install 'faceprint[dlib]'
    python examples/face_recognition/name_faces.py PEOPLE PHOTO named.png

PEOPLE is a folder with a folder of photos for each person, PHOTO any photo.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer
from PIL import Image, ImageDraw, ImageFont

from faceprint.compat import face_recognition

BLUE = (0, 114, 178)
UNKNOWN = "Unknown"


def main(people: Path, photo: Path, out: Path, tolerance: float = 0.6) -> None:
    """Names the faces of a photo by those of a folder per person."""
    names, encodings = learn(people)
    image = face_recognition.load_image_file(photo)
    places = face_recognition.face_locations(image)
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    for place, encoding in zip(places, face_recognition.face_encodings(image, places), strict=True):
        name = UNKNOWN
        matches = face_recognition.compare_faces(encodings, encoding, tolerance=tolerance)
        if True in matches:
            distances = face_recognition.face_distance(encodings, encoding)
            name = names[int(np.argmin(distances))]
        top, right, _, left = place
        typer.echo(f"{name} at {left}, {top}, {right - left} pixels wide")
        label(draw, place, name)
    picture.save(out)


def learn(people: Path) -> tuple[list[str], list[np.ndarray]]:
    """The first face of each photo, with the name of its folder."""
    names, encodings = [], []
    for photo in sorted(people.glob("*/*")):
        for encoding in face_recognition.face_encodings(face_recognition.load_image_file(photo))[
            :1
        ]:
            names.append(photo.parent.name)
            encodings.append(encoding)
    return names, encodings


def label(draw: ImageDraw.ImageDraw, place: tuple[int, int, int, int], name: str) -> None:
    """A box around a face, and its name on a plate under it."""
    top, right, bottom, left = place
    height = max(12, (bottom - top) // 8)
    font = ImageFont.load_default(height)
    width = draw.textlength(name, font=font)
    line = max(2, height // 6)
    plate = (left, bottom, left + max(width + height, right - left), bottom + 1.5 * height)
    draw.rectangle((left, top, right, bottom), outline=BLUE, width=line)
    draw.rectangle(plate, fill=BLUE)
    draw.text((left + height / 2, bottom + 0.15 * height), name, fill="white", font=font)


if __name__ == "__main__":
    typer.run(main)
