"""Open-set identification: some people are enrolled, others come too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.estimates import Estimate, estimate
from faceprint.evaluate.identification.results import (
    Draw,
    FpirPoint,
    IdentificationFigures,
    IdentificationPlan,
    IdentificationResult,
    ProductSearch,
)
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import PeopleFolder
from faceprint.match import (
    Calibration,
    OpenSet,
    Rate,
    clopper_pearson,
    open_set,
    true_accept_rate,
)
from faceprint.match.rates import allowed_errors
from faceprint.pipeline.decide import search_threshold
from faceprint.types import FloatArray

__all__ = ["evaluate_identification"]

_RATES = (1e-1, 1e-2, 1e-3)

_Ints = npt.NDArray[np.int64]


def evaluate_identification(
    folder: PeopleFolder,
    embeddings: PhotoEmbeddings,
    *,
    plan: IdentificationPlan | None = None,
    calibration: Calibration | None = None,
) -> IdentificationResult:
    """The figures of searches in galleries drawn from a folder per person.

    Args:
        folder: The photos.
        embeddings: Of `folder.photos`, in that order.
        plan: Who is enrolled, and with what.
        calibration: What the product decides with.

    Raises:
        InputError: There are too few people, or the embeddings are of other photos.
    """
    if embeddings.photos != folder.photos:
        raise InputError("The embeddings are not those of the photos of the folder, in its order.")
    plan = plan or IdentificationPlan()
    draws = list(_draws(folder.people, plan))
    return IdentificationResult(
        folder=folder,
        embeddings=embeddings,
        plan=plan,
        draw=draws[0],
        figures=_figures(embeddings.vectors, folder.people, draws, plan, calibration),
        without_failures=_left_out(folder, embeddings, plan, calibration),
        notes=_notes(folder, embeddings, draws[0]),
    )


def _left_out(
    folder: PeopleFolder,
    embeddings: PhotoEmbeddings,
    plan: IdentificationPlan,
    calibration: Calibration | None,
) -> IdentificationFigures | None:
    here = embeddings.present
    if here.all():
        return None
    people = folder.people[here]
    try:
        draws = list(_draws(people, plan))
    except InputError:
        return None
    return _figures(embeddings.vectors[here], people, draws, plan, calibration)


def _draws(people: _Ints, plan: IdentificationPlan) -> Iterator[Draw]:
    """Galleries and probes, one for each repetition.

    Raises:
        InputError: There are too few people to enrol some and have others come.
    """
    counts = np.bincount(people) if len(people) else np.zeros(0, dtype=np.int64)
    able, present = np.flatnonzero(counts > plan.enrol), np.flatnonzero(counts)
    wanted = min(round(plan.share * len(able)), len(present) - 1)
    if len(present) < 3:
        raise InputError(
            f"There {'is' if len(present) == 1 else 'are'} {len(present)} "
            f"{'person' if len(present) == 1 else 'people'} with photos. It takes at least 3 people: 2 to "
            "enrol, and another to come unknown."
        )
    if wanted < 2:
        raise InputError(
            f"Of {len(present)} people, {len(able)} have the {plan.enrol + 1} photos that it takes to be "
            f"enrolled with {plan.enrol} and looked for with another. At least 2 must be enrolled, and "
            "others must not: add people or photos, or enrol fewer photos of each or a larger share."
        )
    random = np.random.default_rng(plan.seed)
    for _ in range(plan.repetitions):
        enrolled = np.zeros(len(counts), dtype=bool)
        enrolled[random.choice(able, size=wanted, replace=False)] = True
        inside = np.flatnonzero(enrolled[people])
        # In a random order of photos, the first few of each person are enrolled.
        order = inside[np.lexsort((random.random(len(inside)), people[inside]))]
        _, starts, lengths = np.unique(people[order], return_index=True, return_counts=True)
        template = np.arange(len(order)) - np.repeat(starts, lengths) < plan.enrol
        yield Draw(
            np.sort(order[template]), np.sort(order[~template]), np.flatnonzero(~enrolled[people])
        )


def _figures(
    vectors: FloatArray,
    people: _Ints,
    draws: list[Draw],
    plan: IdentificationPlan,
    calibration: Calibration | None,
) -> IdentificationFigures:
    sets = [
        open_set(
            vectors[d.gallery],
            people[d.gallery],
            vectors[d.known],
            people[d.known],
            vectors[d.unknown],
        )
        for d in draws
    ]
    pooled = _pooled(sets)
    known = np.concatenate([people[d.known] for d in draws])
    unknown = np.concatenate([people[d.unknown] for d in draws])
    judge = _Judge(pooled, known, unknown, len(draws))
    here = np.isfinite(vectors[:, 0])
    lost = [
        len(np.unique(people[d.gallery])) - len(np.unique(people[d.gallery[here[d.gallery]]]))
        for d in draws
    ]
    return IdentificationFigures(
        people=sets[0].people,
        templates=sets[0].templates,
        unenrolled=float(np.mean(lost)),
        unknown_people=len(np.unique(people[draws[0].unknown])),
        rank1=judge.rank1(),
        cmc=pooled.cmc(min(20, pooled.people)),
        points=tuple(judge.point(fpir) for fpir in _RATES),
        product=judge.product(calibration, plan.fpir),
        pooled=pooled,
    )


def _pooled(sets: list[OpenSet]) -> OpenSet:
    first = sets[0]
    return replace(
        first,
        best_unknown=np.concatenate([one.best_unknown for one in sets]),
        own_score=np.concatenate([one.own_score for one in sets]),
        best_wrong=np.concatenate([one.best_wrong for one in sets]),
        rank=np.concatenate([one.rank for one in sets]),
        failed_templates=sum(one.failed_templates for one in sets),
        failed_known=sum(one.failed_known for one in sets),
        failed_unknown=sum(one.failed_unknown for one in sets),
    )


class _Judge:
    """Rates over all repetitions, with intervals over people."""

    def __init__(self, pooled: OpenSet, known: _Ints, unknown: _Ints, repetitions: int) -> None:
        self._pooled = pooled
        self._groups = (known, unknown)
        self._repetitions = repetitions
        at_first = np.where(pooled.rank == 1, pooled.own_score, np.float32(-np.inf))
        self._found: FloatArray = at_first.astype(np.float32)

    def rank1(self) -> Rate:
        """Share of known probes whose own person scores highest."""
        return self._shared(
            self._pooled.identification_rate(),
            estimate(lambda k: float(np.mean(k > -np.inf)), self._found, groups=self._groups[:1]),
        )

    def point(self, fpir: float) -> FpirPoint:
        """FNIR at an asked FPIR."""
        threshold = self._pooled.threshold_at(fpir)

        def missed(known: FloatArray, unknown: FloatArray) -> float:
            return 1 - true_accept_rate(known, unknown, fpir).value

        drawn = estimate(missed, self._found, self._pooled.best_unknown, groups=self._groups)
        per_repetition = round(len(self._pooled.best_unknown) / self._repetitions)
        return FpirPoint(
            asked=fpir,
            allowed=allowed_errors(fpir, per_repetition),
            threshold=threshold,
            fpir=self._fpir(threshold),
            fnir=self._shared(self._pooled.fnir(threshold), drawn),
        )

    def product(self, calibration: Calibration | None, fpir: float) -> ProductSearch | None:
        """At the product's own threshold for such a gallery."""
        pooled = self._pooled
        templates = pooled.templates - round(pooled.failed_templates / self._repetitions)
        threshold = search_threshold(calibration, fpir=fpir, templates=templates)
        if threshold is None:
            return None
        score = threshold.score
        drawn = estimate(lambda k: float(np.mean(k < score)), self._found, groups=self._groups[:1])
        return ProductSearch(
            asked=fpir,
            threshold=threshold,
            fpir=self._fpir(score),
            fnir=self._shared(pooled.fnir(score), drawn),
        )

    def _fpir(self, threshold: float) -> Rate:
        drawn = estimate(
            lambda u: float(np.mean(u >= threshold)),
            self._pooled.best_unknown,
            groups=self._groups[1:],
        )
        return self._shared(self._pooled.fpir(threshold), drawn)

    def _shared(self, pooled: Rate, drawn: Estimate) -> Rate:
        """The rate of a mean repetition: the same photos come again and are no new evidence."""
        errors, trials = (
            max(1, round(count / self._repetitions)) if count else 0
            for count in (pooled.errors, pooled.trials)
        )
        low, high = clopper_pearson(min(errors, trials), trials)
        return Rate(
            pooled.value,
            min(low, drawn.low, pooled.value),
            max(high, drawn.high, pooled.value),
            errors,
            trials,
        )


def _notes(folder: PeopleFolder, embeddings: PhotoEmbeddings, draw: Draw) -> tuple[str, ...]:
    notes = list(folder.notes)
    if embeddings.failures:
        notes.append(
            f"{len(embeddings.failures):,} of {len(folder.photos):,} photos gave no face "
            f"({embeddings.failure_counts}): those enrolled enrol nothing, those searched for are misses, "
            "or no false positives."
        )
    strangers = len(np.unique(folder.people[draw.unknown]))
    enrolled = len(np.unique(folder.people[draw.gallery]))
    if min(strangers, enrolled) < 30:
        notes.append(
            f"There are only {enrolled} enrolled and {strangers} unknown people: the intervals are wide."
        )
    notes.append(
        "Thresholds for a false positive rate are read off the very probes that are reported, so that they "
        "flatter; the product's own threshold is not."
    )
    return tuple(notes)
