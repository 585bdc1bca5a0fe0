"""Which photos a benchmark reads."""

from __future__ import annotations

import random
from pathlib import Path

import typer


def lfw_photos(data: Path, count: int, *, seed: int = 1) -> list[Path]:
    """`count` photos of LFW, shuffled, so that every beginning of the list is a fair sample.

    Args:
        data: The data folder that holds `lfw/`, or the folder of LFW itself.
        count: How many.
        seed: Of the shuffle.
    """
    photos = all_lfw_photos(data)
    if len(photos) < count:
        raise typer.BadParameter(
            f"{count} photos are needed and {data} holds {len(photos)}. Ask for fewer: --photos."
        )
    random.Random(seed).shuffle(photos)
    return photos[:count]


def all_lfw_photos(data: Path) -> list[Path]:
    """All photos of LFW, sorted."""
    folder = data / "lfw" if (data / "lfw").is_dir() else data
    photos = sorted(folder.glob("*/*.jpg"))
    if not photos:
        raise typer.BadParameter(
            f"{folder} holds no photos as NAME/NAME_0001.jpg. Give the folder of LFW with --data."
        )
    return photos
