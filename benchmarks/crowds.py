"""People for galleries larger than any set of photos: random ones, and ones like those of LFW."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint import Faceprint, Failure
from faceprint.types import FloatArray
from photos import all_lfw_photos

MAX_TEMPLATES_EACH = 5
NOISE = 0.3
DIMENSION = 128


@dataclass(frozen=True, eq=False)
class Crowd:
    """Templates and probes.

    Attributes:
        vectors: (N, D) float32 unit vectors, sorted by person.
        owners: (N,) int64, numbers of people.
        probes: (M, D) float32 unit vectors: in turn of somebody enrolled and of a stranger.
    """

    vectors: FloatArray
    owners: npt.NDArray[np.int64]
    probes: FloatArray


@dataclass(frozen=True, eq=False)
class Likeness:
    """What embeddings of photos of many people are like.

    Attributes:
        mean: (D,) of all people.
        between: (D, D), a square root of the covariance between people.
        within: (R, D), how each photo differs from the mean of its person.
    """

    mean: FloatArray
    between: FloatArray
    within: FloatArray


def random_crowd(templates: int, probes: int) -> Crowd:
    """Unit vectors without any structure, which no index can profit from.

    Enrolled probes are a template and noise of 0.3 of its length.
    """
    random = np.random.default_rng(1)
    owners = _owners(templates, random)
    vectors = unit(random.standard_normal((templates, DIMENSION), dtype=np.float32))
    asked = unit(random.standard_normal((probes, DIMENSION), dtype=np.float32))
    known = random.integers(0, templates, size=len(asked[::2]))
    asked[::2] = vectors[known] + NOISE * asked[::2]
    return Crowd(vectors, owners, unit(asked))


def lifelike_crowd(likeness: Likeness, templates: int, probes: int) -> Crowd:
    """New people drawn from the spread between those of LFW, photos from the spread within.

    A person is a draw from the normal distribution of the people of LFW; each template, and each
    probe, adds the difference of a real photo from the mean of its person, drawn at random.
    """
    random = np.random.default_rng(1)
    owners = _owners(templates, random)
    people = _people(likeness, int(owners[-1]) + 1, random)
    asked = _people(likeness, probes, random)
    asked[::2] = people[random.integers(0, len(people), size=len(asked[::2]))]
    return Crowd(
        _photos_of(people[owners], likeness, random), owners, _photos_of(asked, likeness, random)
    )


def lfw_likeness(data: Path, store: Path) -> Likeness:
    """The likeness of LFW's photos, embedded by the default models; kept in a file.

    Args:
        data: The data folder that holds `lfw/`, or LFW itself.
        store: NumPy file to read, or to write.
    """
    if not store.exists():
        vectors, names = _embedded(all_lfw_photos(data))
        store.parent.mkdir(parents=True, exist_ok=True)
        np.savez(store, vectors=vectors, names=names)
    with np.load(store) as kept:
        return likeness_of(kept["vectors"], kept["names"])


def likeness_of(vectors: FloatArray, names: npt.NDArray[np.str_]) -> Likeness:
    """From (N, D) unit vectors and whose they are."""
    _, whose, counts = np.unique(names, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, whose, vectors)
    means /= counts[:, None]
    several = counts[whose] > 1
    # A mean of n photos takes 1/n of their spread with it.
    share = np.sqrt(counts / np.maximum(counts - 1, 1))[whose][several]
    within = (vectors - means[whose])[several] * share[:, None]
    spread = within.T @ within / len(within)
    between = np.cov(means.T) - spread * np.mean(1 / counts)
    values, axes = np.linalg.eigh(between)
    root = axes * np.sqrt(values.clip(0))
    return Likeness(
        means.mean(axis=0).astype(np.float32),
        root.astype(np.float32),
        within.astype(np.float32),
    )


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to L2 norm 1."""
    scaled: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def _owners(templates: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    sizes = random.integers(1, MAX_TEMPLATES_EACH + 1, size=templates)
    owners: npt.NDArray[np.int64] = np.repeat(np.arange(templates), sizes)[:templates]
    return owners


def _people(likeness: Likeness, count: int, random: np.random.Generator) -> FloatArray:
    drawn = random.standard_normal((count, len(likeness.mean)), dtype=np.float32)
    people: FloatArray = likeness.mean + drawn @ likeness.between.T
    return people


def _photos_of(people: FloatArray, likeness: Likeness, random: np.random.Generator) -> FloatArray:
    photos = people.copy()
    for first in range(0, len(people), 2**16):
        part = photos[first : first + 2**16]
        part += likeness.within[random.integers(0, len(likeness.within), size=len(part))]
    return unit(photos)


def _embedded(photos: list[Path]) -> tuple[FloatArray, npt.NDArray[np.str_]]:
    """The face nearest to the middle of each photo; photos without a face are left out."""
    vectors, names = [], []
    with Faceprint() as faceprint:
        for photo, found in zip(photos, faceprint.embed_many(photos), strict=True):
            if isinstance(found, Failure) or not len(found.embeddings.vectors):
                continue
            middle = np.array([found.detection.width, found.detection.height]) / 2
            boxes = np.array([face.box for face in found.detection.faces])
            away = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - middle, axis=1)
            vectors.append(found.embeddings.vectors[away.argmin()])
            names.append(photo.parent.name)
    return np.array(vectors, dtype=np.float32), np.array(names)
