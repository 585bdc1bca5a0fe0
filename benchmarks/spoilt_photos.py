"""LFW photos as they are and spoilt at random, with what is measured of their faces.

Most photos of LFW are good, and a quality score has nothing to tell apart there. Each photo therefore
comes again with a fault or two of random kind and strength, made as it is read: out of focus, shaken, made
small, enlarged from few pixels, underexposed with the noise of a sensor, overexposed, faded, compressed,
noisy, tilted, lit from one side.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import typer
from rich.progress import track

from faceprint import Faceprint, Failure
from faceprint.media import read_image
from faceprint.pipeline.choose import central_face
from faceprint.quality import Measures, measure
from faceprint.types import Face, FloatArray, Image

Random = np.random.Generator
CLEAN = "clean"


@dataclass(frozen=True, eq=False)
class Sample:
    """N photos, those without a face included: their measures are NaN.

    `kind` is the fault, or "clean"; `alone` says that there is no second one.
    """

    person: np.ndarray
    photo: np.ndarray
    kind: np.ndarray
    strength: np.ndarray
    alone: np.ndarray
    vectors: FloatArray
    lengths: np.ndarray
    faces: tuple[Face | None, ...]
    sharpness_before: np.ndarray
    measures: Measures
    model_id: str

    @property
    def found(self) -> np.ndarray:
        found: np.ndarray = np.isfinite(self.vectors[:, 0])
        return found

    @property
    def clean(self) -> np.ndarray:
        clean: np.ndarray = self.kind == CLEAN
        return clean


def photos_of(root: Path, people: str) -> list[Path]:
    """The photos in a folder of LFW of the people that a file of it lists."""
    lines = (root / people).read_text("utf-8").splitlines()
    names = sorted({line.split()[0] for line in lines if line.split()[1:]})
    return [photo for name in names for photo in sorted((root / name).glob("*.jpg"))]


def embed(faceprint: Faceprint, photos: Sequence[Path], *, spoilt: int) -> Sample:
    """All photos as they are, and `spoilt` times more with random faults."""
    marks: list[tuple[object, ...]] = []

    def images() -> Iterator[Image]:
        for turn in range(spoilt + 1):
            for photo in photos:
                image = read_image(photo, max_pixels=faceprint.settings.max_pixels).pixels
                if not turn:
                    marks.append((CLEAN, 0.0, True))
                    yield image
                    continue
                random = np.random.default_rng([turn, zlib.crc32(photo.name.encode())])
                spoilt_image, *mark = spoil(image, random)
                marks.append(tuple(mark))
                yield spoilt_image

    count = len(photos) * (spoilt + 1)
    vectors = np.full((count, faceprint.models.dimension), np.nan, np.float32)
    lengths, sharpness = np.full(count, np.nan), np.full(count, np.nan)
    faces: list[Face | None] = [None] * count
    measured = {one.name: np.full(count, np.nan) for one in fields(Measures)}
    results = track(faceprint.embed_many(images()), "Embedding", total=count)
    for row, result in enumerate(results):
        if isinstance(result, Failure):
            raise typer.BadParameter(f"{result.image}: {result.message}")
        if (index := central_face(result.detection)) is None:
            continue
        one = slice(index, index + 1)
        found = result.embeddings.part(one)
        faces[row] = result.detection.faces[index]
        vectors[row] = found.vectors[0]
        lengths[row] = np.nan if found.lengths is None else found.lengths[0]
        sharpness[row] = laplacian_variance(result.crops[index])
        measures = measure(result.detection.faces[one], result.crops[one])
        for name, values in measured.items():
            values[row] = getattr(measures, name)[0]
    kinds, strengths, alone = zip(*marks, strict=True)
    return Sample(
        person=np.array([photo.parent.name for photo in photos] * (spoilt + 1)),
        photo=np.array([photo.name for photo in photos] * (spoilt + 1)),
        kind=np.array(kinds),
        strength=np.array(strengths),
        alone=np.array(alone),
        vectors=vectors,
        lengths=lengths,
        faces=tuple(faces),
        sharpness_before=sharpness,
        measures=Measures(**measured),
        model_id=faceprint.model_id,
    )


def laplacian_variance(crop: Image) -> float:
    """What the sharpness of faceprint's first quality score was made from."""
    small = np.asarray(cv2.resize(crop, (112, 112)), dtype=np.uint8)
    return float(cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())


def spoil(image: Image, random: Random) -> tuple[Image, str, float, bool]:
    """A photo with one random fault, and in a quarter of the cases with another."""
    kinds = tuple(FAULTS)
    kind = kinds[random.integers(len(kinds))]
    spoilt, strength = FAULTS[kind](image, random)
    alone = bool(random.random() >= 0.25)
    if not alone:
        spoilt, _ = FAULTS[kinds[random.integers(len(kinds))]](spoilt, random)
    return np.ascontiguousarray(spoilt), kind, strength, alone


def _between(random: Random, low: float, high: float) -> float:
    """A random number, uniform in its logarithm."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _shown(image: np.ndarray) -> Image:
    shown: Image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return shown


def _sensed(image: np.ndarray, random: Random, noise: float) -> Image:
    """With the noise of a sensor, whose variance grows with the light."""
    return _shown(
        image + random.normal(size=image.shape) * np.sqrt(np.maximum(image, 0) * noise + 1)
    )


def _blurred(image: Image, random: Random) -> tuple[Image, float]:
    sigma = _between(random, 0.8, 8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8), sigma


def _shaken(image: Image, random: Random) -> tuple[Image, float]:
    length, angle = int(random.integers(5, 31)), random.uniform(0, 180)
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    middle = (length - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), angle, 1)
    line = np.asarray(cv2.warpAffine(line, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(image, -1, line / line.sum()), np.uint8), length


def _small(image: Image, random: Random) -> tuple[Image, float]:
    times = _between(random, 1.3, 9)
    size = (round(image.shape[1] / times), round(image.shape[0] / times))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), times


def _enlarged(image: Image, random: Random) -> tuple[Image, float]:
    small, times = _small(image, random)
    return np.asarray(cv2.resize(small, image.shape[1::-1]), np.uint8), times


def _dark(image: Image, random: Random) -> tuple[Image, float]:
    gain = _between(random, 0.015, 0.6)
    return _sensed(image * gain, random, 0.15), gain


def _bright(image: Image, random: Random) -> tuple[Image, float]:
    gain = _between(random, 1.3, 8)
    return _shown(image * gain + random.uniform(0, 40)), gain


def _faded(image: Image, random: Random) -> tuple[Image, float]:
    contrast, middle = _between(random, 0.03, 0.7), random.uniform(40, 215)
    faded = (image - 128.0) * contrast + middle
    return _shown(faded + random.normal(size=image.shape)), contrast


def _compressed(image: Image, random: Random) -> tuple[Image, float]:
    quality = int(_between(random, 2, 40))
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1], quality


def _noisy(image: Image, random: Random) -> tuple[Image, float]:
    deviation = _between(random, 4, 90)
    return _shown(image + random.normal(size=image.shape) * deviation), deviation


def _tilted(image: Image, random: Random) -> tuple[Image, float]:
    angle = random.uniform(-40, 40)
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    return np.asarray(cv2.warpAffine(image, turn, (width, height)), np.uint8), abs(angle)


def _side_lit(image: Image, random: Random) -> tuple[Image, float]:
    darkest, angle = _between(random, 0.02, 0.5), random.uniform(0, 2 * np.pi)
    y, x = (
        np.linspace(-0.5, 0.5, size).reshape(shape)
        for size, shape in zip(image.shape[:2], ((-1, 1), (1, -1)), strict=True)
    )
    light = darkest + (1 - darkest) / (1 + np.exp(-15 * (x * np.cos(angle) + y * np.sin(angle))))
    return _sensed(image * light[..., None], random, 0.1), darkest


FAULTS: MappingProxyType[str, Callable[[Image, Random], tuple[Image, float]]] = MappingProxyType(
    {
        "blurred": _blurred,
        "shaken": _shaken,
        "small": _small,
        "enlarged": _enlarged,
        "dark": _dark,
        "bright": _bright,
        "faded": _faded,
        "compressed": _compressed,
        "noisy": _noisy,
        "tilted": _tilted,
        "side-lit": _side_lit,
    }
)
"""Each gives the photo and how strong the fault is, in units of its own."""
