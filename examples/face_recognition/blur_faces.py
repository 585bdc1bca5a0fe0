"""Blurs all faces of a photo.

Written for face_recognition but for one import. Run it with::

    pip install 'faceprint[dlib]'
    python examples/face_recognition/blur_faces.py PHOTO blurred.jpg

A blur like this hides faces from people, not from machines: `faceprint anonymise` removes what it hides.
"""

from __future__ import annotations

from pathlib import Path

import typer
from PIL import Image, ImageFilter

from faceprint.compat import face_recognition


def main(photo: Path, out: Path, model: str = "hog") -> None:
    """Blurs the faces that the model finds, "hog" or "cnn"."""
    image = face_recognition.load_image_file(photo)
    picture = Image.fromarray(image)
    places = face_recognition.face_locations(image, model=model)
    for top, right, bottom, left in places:
        face = picture.crop((left, top, right, bottom))
        blur = ImageFilter.GaussianBlur(radius=max(4, (right - left) / 8))
        picture.paste(face.filter(blur), (left, top))
    picture.save(out)
    typer.echo(f"{len(places)} faces blurred")


if __name__ == "__main__":
    typer.run(main)
