"""UTKFace: age and sex in the names of photos.

Zhang, Song, Qi, "Age Progression/Regression by Conditional Adversarial Autoencoder", CVPR 2017. Names are
AGE_SEX_x_DATE.jpg or …jpg.chip.jpg; the third field is not read.
"""

from __future__ import annotations

from pathlib import Path

from faceprint.errors import InputError
from faceprint.evaluate.attributes.utkface import read_name
from faceprint.train.data.readers.folders import photos_below
from faceprint.train.data.records import Sample, Source
from faceprint.zoo.cards import Licence

__all__ = ["is_utkface", "read_utkface"]

_TERMS = Licence("UTKFace: non-commercial research only", "forbidden")
_ENOUGH = 0.5


def is_utkface(photos: list[Path]) -> bool:
    """Whether most photos of a folder have such names."""
    named = sum(_sample(photo, photo.name) is not None for photo in photos)
    return named > _ENOUGH * len(photos)


def read_utkface(root: Path) -> Source:
    """The photos below a folder whose names say an age and a sex; the others are listed as problems.

    Raises:
        InputError: No photo has such a name.
    """
    photos, problems = photos_below(root)
    samples = []
    for photo in photos:
        name = photo.relative_to(root).as_posix()
        sample = _sample(photo, name)
        if sample is None:
            problems.append(f"{name}: its name does not begin with age, sex (0 or 1), x and date")
        else:
            samples.append(sample)
    if not samples:
        raise InputError(
            f"None of the {len(photos):,} photos in {root} has a name like 26_1_2_20170116.jpg: age, sex "
            "(0 male, 1 female), a field that is not read, date."
        )
    return Source("utkface", tuple(samples), {}, tuple(problems), _TERMS)


def _sample(photo: Path, name: str) -> Sample | None:
    try:
        said = read_name(photo)
    except InputError:
        return None
    labels = {"age": float(said.age), "female": float(said.female)}
    return Sample(name, photo, labels=labels)
