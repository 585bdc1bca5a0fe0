"""Paints brows, lips and lashes onto every face of a photo.

Written for face_recognition but for one import. Run it with::

    pip install 'faceprint[dlib]'
    python examples/face_recognition/make_up.py PHOTO painted.png

The points come from a model whose training data forbid commercial use.
"""

from __future__ import annotations

from pathlib import Path

import typer
from PIL import Image, ImageDraw, ImageFilter

from faceprint.compat import face_recognition

Point = tuple[int, int]

BROWN = (62, 44, 34)
RED = (168, 12, 44)
BLACK = (12, 10, 14)


def main(photo: Path, out: Path) -> None:
    """Paints the faces of a photo."""
    image = face_recognition.load_image_file(photo)
    picture = Image.fromarray(image)
    faces = face_recognition.face_landmarks(image)
    for parts in faces:
        paint(picture, parts)
    picture.save(out)
    typer.echo(f"{len(faces)} faces painted")


def paint(picture: Image.Image, parts: dict[str, list[Point]]) -> None:
    """Layers of colour, each through a soft mask of its own."""
    across = max(x for x, _ in parts["chin"]) - min(x for x, _ in parts["chin"])
    line = max(1, across // 40)
    for side in ("left", "right"):
        brow, eye = parts[f"{side}_eyebrow"], parts[f"{side}_eye"]
        layer(picture, BROWN, 0.55, soft=line, lines=[brow], width=2 * line)
        # The upper lid: from one corner of the eye to the other.
        layer(picture, BLACK, 0.75, soft=line / 3, lines=[eye[:4]], width=max(1, line // 2))
    layer(picture, RED, 0.5, soft=line / 2, areas=[parts["top_lip"], parts["bottom_lip"]])


def layer(
    picture: Image.Image,
    colour: tuple[int, int, int],
    strength: float,
    *,
    soft: float,
    lines: list[list[Point]] | None = None,
    areas: list[list[Point]] | None = None,
    width: int = 1,
) -> None:
    """Colours what lines and areas cover."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    level = round(255 * strength)
    for points in areas or []:
        draw.polygon(points, fill=level)
    for points in lines or []:
        draw.line(points, fill=level, width=width, joint="curve")
    picture.paste(colour, mask=mask.filter(ImageFilter.GaussianBlur(soft)))


if __name__ == "__main__":
    typer.run(main)
