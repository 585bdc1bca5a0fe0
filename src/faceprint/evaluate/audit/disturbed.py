"""Error rates as photos get worse: the same people, one clean photo each, one that is made worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.audit.intervals import PairDesign, PeopleRate, across, pair_rate
from faceprint.evaluate.audit.slices import SLICES, Disturbance
from faceprint.evaluate.cache import EmbeddingCache
from faceprint.evaluate.estimates import json_rate
from faceprint.evaluate.photos import PhotoEmbeddings, embed_photos
from faceprint.match import Rate, rate
from faceprint.types import Image

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["LevelRates", "Probes", "Slice", "chosen_slices", "draw_probes", "run_slices"]

_I64 = npt.NDArray[np.int64]

_REVISION = 1
"""Of the disturbances: a change makes what was kept of them unused."""

_LEAST_PEOPLE = 2

Embed = Callable[[Sequence[Path], Disturbance, float], PhotoEmbeddings]


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Two photos with a face of each of some people.

    Attributes:
        references: (K,) rows of the photos that stay clean.
        probes: (K,) rows of those that are made worse.
    """

    references: _I64
    probes: _I64


@dataclass(frozen=True, slots=True)
class LevelRates:
    """What becomes of probes at a level.

    Attributes:
        level: None for the photos as they are.
        fte: Share of the probes in which no face is found any more.
        fnmr: Share that does not match the person's other photo, those without a face among them.
        fmr: Share of the matches with photos of other people.
    """

    level: float | None
    fte: Rate
    fnmr: Rate
    fmr: PeopleRate | None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "level": self.level,
            "fte": json_rate(self.fte),
            "fnmr": json_rate(self.fnmr),
            "fmr": None if self.fmr is None else self.fmr.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Slice:
    """One disturbance from nothing to too much.

    Attributes:
        name: As in "blur".
        what: What a level says.
        levels: The first is that of the photos as they are.
    """

    name: str
    what: str
    levels: tuple[LevelRates, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "name": self.name,
            "what": self.what,
            "levels": [level.to_dict() for level in self.levels],
        }


def chosen_slices(names: str) -> tuple[Disturbance, ...]:
    """The disturbances of a list as people write it: all, none, or names with commas.

    Raises:
        InputError: There is none of that name.

    >>> [one.name for one in chosen_slices("mask, blur")]
    ['mask', 'blur']
    """
    wanted = [name.strip().lower() for name in names.split(",") if name.strip()]
    if wanted == ["all"]:
        return tuple(SLICES.values())
    if wanted == ["none"]:
        return ()
    if not wanted or (unknown := [name for name in wanted if name not in SLICES]):
        what = f"no disturbance {unknown[0]!r}" if wanted else "nothing chosen"
        raise InputError(f"--slices: {what}. Give all, none, or some of {', '.join(SLICES)}.")
    return tuple(SLICES[name] for name in dict.fromkeys(wanted))


def draw_probes(embeddings: PhotoEmbeddings, people: _I64, *, count: int, seed: int = 0) -> Probes:
    """Draws people who have two photos with a face, and two photos of each.

    Args:
        embeddings: N photos.
        people: (N,) whose photo each is.
        count: How many people at most.
        seed: Equal seeds draw the same.

    Raises:
        InputError: Fewer than two people have two photos with a face.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(np.flatnonzero(embeddings.present))
    order = rows[np.argsort(people[rows], kind="stable")]
    _, starts, photos = np.unique(people[order], return_index=True, return_counts=True)
    able = starts[photos > 1]
    if len(able) < _LEAST_PEOPLE:
        raise InputError(
            f"{len(able)} of the people have two photos with a face, and it takes {_LEAST_PEOPLE} to "
            "measure what worse photos do. Add photos, or leave that out with --slices none."
        )
    drawn = np.sort(random.permutation(able)[:count])
    return Probes(order[drawn], order[drawn + 1])


def run_slices(
    faceprint: Faceprint,
    embeddings: PhotoEmbeddings,
    probes: Probes,
    slices: Sequence[Disturbance],
    *,
    threshold: float,
    design: PairDesign | None = None,
    cache: EmbeddingCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Slice, ...]:
    """Makes probes worse, level by level, and compares them with clean photos.

    Args:
        faceprint: What embeds.
        embeddings: Of the clean photos.
        probes: Which are compared.
        slices: What is done to them.
        threshold: Scores at or above it match.
        design: How little comparisons of two people are worth at the least.
        cache: Where embeddings are kept, also those of a run that was interrupted.
        progress: Told how many photos are done, and of how many.
    """
    faces = {embeddings.photos[row]: embeddings.faces[row] for row in probes.probes.tolist()}
    total = len(probes.probes) * sum(len(one.levels) for one in slices)
    done = 0

    def embed(disturbance: Disturbance, level: float) -> PhotoEmbeddings:
        nonlocal done

        def worse(image: Image, path: Path) -> Image:
            face = faces[path]
            assert face is not None, "probes show a face"
            return disturbance.apply(image, face, level)

        before, done = done, done + len(probes.probes)
        return embed_photos(
            faceprint,
            [embeddings.photos[row] for row in probes.probes.tolist()],
            cache=cache,
            progress=None if progress is None else lambda now, _: progress(before + now, total),
            change=worse,
            change_name=f"audit {_REVISION} {disturbance.name} {level:g}",
        )

    def rates(level: float | None, vectors: npt.NDArray[np.float32]) -> LevelRates:
        references = embeddings.vectors[probes.references]
        return _rates(level, vectors, references, threshold=threshold, design=design)

    clean = rates(None, embeddings.vectors[probes.probes])
    return tuple(
        Slice(
            one.name,
            one.what,
            (clean, *(rates(level, embed(one, level).vectors) for level in one.levels)),
        )
        for one in slices
    )


def _rates(
    level: float | None,
    probes: npt.NDArray[np.float32],
    references: npt.NDArray[np.float32],
    *,
    threshold: float,
    design: PairDesign | None,
) -> LevelRates:
    count = len(probes)
    # A row of NaN is at or above nothing.
    matched = probes @ references.T >= np.float64(threshold)
    seen = np.isfinite(probes[:, 0])
    genuine = int(np.count_nonzero(matched.diagonal()))
    np.fill_diagonal(matched, False)
    false = np.argwhere(matched).astype(np.int64)
    trials = across(seen.astype(np.float64), np.ones(count))
    return LevelRates(
        level=level,
        fte=rate(int(np.count_nonzero(~seen)), count),
        fnmr=rate(count - genuine, count),
        fmr=pair_rate(false, trials, design=design),
    )
