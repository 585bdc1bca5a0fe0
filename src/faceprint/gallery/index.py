"""Search in memory over the templates of one model, at one state of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faceprint.gallery.memory import Keys, TemplateMemory, TemplateRows
from faceprint.gallery.scans import (
    ByteScan,
    FloatScan,
    PackedScan,
    Scan,
    SearchMode,
    ShortList,
)
from faceprint.types import FloatArray

__all__ = ["Hit", "ModelIndex", "SearchPlan"]

_Rows = npt.NDArray[np.intp]

_LISTED_PER_PERSON = 4
_WIDER = 16
_LEAST_DEAD = 4096
_DEAD_SHARE = 8


class Hit(NamedTuple):
    """One person found: database keys and the cosine similarity."""

    person_key: int
    template_key: int
    score: float


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How the templates of a model are searched.

    Attributes:
        mode: See `SearchMode`.
        has_codes: Whether FAISS is there; else every search is by float32.
        codes_from: Rows from which a second copy in codes is kept.
        rows_per_scan: Rows that are scored by float32 until they are coded together.
        most_scans: Groups of coded rows until all are coded anew as one.
        most_probes: Probes that are searched by bytes; for more at once, a product of matrices in
            float32 is as fast.
        few_rows: Up to so many rows, every person is ranked; above, those of a short list.
        listed: Rows of a short list, at least.
    """

    mode: SearchMode = "auto"
    has_codes: bool = False
    codes_from: int = 2**17
    rows_per_scan: int = 2**14
    most_scans: int = 8
    most_probes: int = 4
    few_rows: int = 2**12
    listed: int = 2**9

    @property
    def is_approximate(self) -> bool:
        """Whether codes alone choose the short list."""
        return self.mode == "approximate" and self.has_codes

    def scan(self, vectors: FloatArray, first: int) -> Scan:
        """Codes of (N, D) vectors, which are rows `first` and on."""
        pairs = vectors.shape[1] % 2 == 0
        kind = PackedScan if self.is_approximate and pairs else ByteScan
        return kind(vectors, first)


@dataclass(frozen=True, slots=True, eq=False)
class ModelIndex:
    """The templates of one model at one state of the database.

    An index shares its memory with those that came before it: templates that are erased vanish
    from all of them.

    The score of a template is the float32 product of its row and the probe, taken row by row, and
    so does not depend on who else is enrolled, on the other probes, or on how rows are searched.

    Attributes:
        memory: The templates, and room for more.
        count: Rows of it that this index knows of.
        sequence: The last change that it contains.
        plan: How it is searched.
        scans: Codes of the first rows, in groups.
        coded: How many rows the scans hold together.
    """

    memory: TemplateMemory
    count: int
    sequence: int
    plan: SearchPlan = SearchPlan()
    scans: tuple[Scan, ...] = ()
    coded: int = 0

    @classmethod
    def of(cls, rows: TemplateRows, *, sequence: int, plan: SearchPlan | None = None) -> ModelIndex:
        """An index of a copy of some rows, in any order."""
        memory = TemplateMemory.empty(len(rows.owners), rows.vectors.shape[1])
        return cls.over(memory.appended(0, rows), sequence=sequence, plan=plan)

    @classmethod
    def over(
        cls, memory: TemplateMemory, *, sequence: int, plan: SearchPlan | None = None
    ) -> ModelIndex:
        """An index of all rows of a memory."""
        return cls(memory, memory.filled, sequence, plan or SearchPlan())._with_codes()

    @property
    def vectors(self) -> FloatArray:
        """(N, D) float32; zeros in forgotten rows."""
        return self.memory.vectors[: self.count]

    @property
    def template_keys(self) -> Keys:
        """(N,) int64, database keys of the rows."""
        return self.memory.template_keys[: self.count]

    @property
    def owners(self) -> Keys:
        """(N,) int64, database keys of their people."""
        return self.memory.owners[: self.count]

    @property
    def dead(self) -> npt.NDArray[np.bool_]:
        """(N,) bool, whether a row is forgotten."""
        return self.memory.dead[: self.count]

    def patched(self, people: Sequence[int], rows: TemplateRows, *, sequence: int) -> ModelIndex:
        """The index after some people's templates became `rows`; their others are forgotten.

        Args:
            people: Database keys of all whose templates may have changed.
            rows: All templates that they have now.
            sequence: The last change that this contains.
        """
        theirs = np.flatnonzero(np.isin(self.owners, np.array(people, np.int64)) & ~self.dead)
        theirs = theirs[np.argsort(self.template_keys[theirs])]
        known = self.template_keys[theirs]
        self._forget(theirs[~np.isin(known, rows.template_keys)])
        added = ~np.isin(rows.template_keys, known)
        kept = theirs[np.searchsorted(known, rows.template_keys[~added])]
        memory = self.memory
        if np.any(self.owners[kept] != rows.owners[~added]):
            memory = memory.owned(kept, rows.owners[~added])
        if added.any():
            memory = memory.appended(self.count, rows.chosen(added))
        count = self.count + int(added.sum())
        return replace(self, memory=memory, count=count, sequence=sequence)._tidied()

    def search(self, probes: FloatArray, *, k: int) -> list[list[Hit]]:
        """The `k` most alike people for each probe, best first; equal scores in order of enrolment.

        Args:
            probes: (M, D) float32 unit vectors.
            k: At least 1.
        """
        found: dict[int, list[Hit]] = {}
        waiting = np.arange(len(probes))
        least = max(self.plan.listed, _LISTED_PER_PERSON * k)
        for listed in (least, least * _WIDER):
            if len(waiting) and self.count > max(self.plan.few_rows, listed):
                found |= self._found_in_lists(probes, waiting, listed, k)
                waiting = np.setdiff1d(waiting, list(found))
        if len(waiting):
            found |= zip(waiting.tolist(), self._by_person(probes[waiting], k), strict=True)
        return [found[number] for number in range(len(probes))]

    def _found_in_lists(
        self, probes: FloatArray, numbers: _Rows, listed: int, k: int
    ) -> dict[int, list[Hit]]:
        """Answers for those of some probes whose short lists hold them for sure."""
        picked = {
            int(number): self._picked(lists, probes[number], k)
            for number, lists in zip(
                numbers, self._short_lists(probes[numbers], listed), strict=True
            )
        }
        return {number: hits for number, hits in picked.items() if hits is not None}

    def _short_lists(self, probes: FloatArray, count: int) -> list[tuple[ShortList, ...]]:
        """For each probe, what the scans that together see every row have listed."""
        scans: tuple[Scan, ...] = (FloatScan(self.vectors),)
        if self.scans and (self.plan.is_approximate or len(probes) <= self.plan.most_probes):
            scans = self.scans
            if self.coded < self.count:
                scans += (FloatScan(self.vectors[self.coded :], self.coded),)
        return list(zip(*(scan.nearest(probes, count) for scan in scans), strict=True))

    def _picked(self, lists: tuple[ShortList, ...], probe: FloatArray, k: int) -> list[Hit] | None:
        """The best `k` people of short lists; None if people that are not listed may be better."""
        rows = np.concatenate([one.rows for one in lists])
        rows = rows[~self.dead[rows]]
        scores = np.vecdot(self.vectors[rows], probe)
        keys, owners = self.template_keys[rows], self.owners[rows]
        order = np.lexsort((keys, owners, -scores))
        _, firsts = np.unique(owners[order], return_index=True)
        best = order[np.sort(firsts)[:k]]
        ceiling = max(one.ceiling for one in lists)
        if len(best) < k or not scores[best[-1]] > ceiling:
            return None
        return [_hit(owners[one], keys[one], scores[one]) for one in best]

    def _by_person(self, probes: FloatArray, k: int) -> list[list[Hit]]:
        """The best `k` people of each probe, from the scores of all rows."""
        rows = np.flatnonzero(~self.dead)
        if not len(rows):
            return [[] for _ in probes]
        rows = rows[np.argsort(self.owners[rows], kind="stable")]
        _, starts = np.unique(self.owners[rows], return_index=True)
        ends = np.append(starts[1:], len(rows))
        found = []
        for probe in probes:
            scores = np.vecdot(self.vectors, probe)[rows]
            best = _highest(np.maximum.reduceat(scores, starts), k)
            groups = [slice(starts[one], ends[one]) for one in best]
            found.append([self._hit(rows[group], scores[group]) for group in groups])
        return found

    def _hit(self, rows: _Rows, scores: FloatArray) -> Hit:
        """The hit of one person, from all their rows."""
        best = rows[scores == scores.max()]
        row = best[self.template_keys[best].argmin()]
        return _hit(self.owners[row], self.template_keys[row], scores.max())

    def _forget(self, rows: _Rows) -> None:
        if len(rows):
            self.memory.forget(rows)
            for scan in self.scans:
                scan.forget(rows)

    def _tidied(self) -> ModelIndex:
        """The index without forgotten rows once they are many, and with new rows coded."""
        if int(self.dead.sum()) <= max(_LEAST_DEAD, self.count // _DEAD_SHARE):
            return self._with_codes()
        living = self.memory.living(self.count)
        return ModelIndex.of(living, sequence=self.sequence, plan=self.plan)

    def _with_codes(self) -> ModelIndex:
        plan = self.plan
        if plan.mode == "exact" or not plan.has_codes or self.count < plan.codes_from:
            return self
        if self.scans and self.count - self.coded < plan.rows_per_scan:
            return self
        full = len(self.scans) >= plan.most_scans
        first, before = (0, ()) if full else (self.coded, self.scans)
        scan = plan.scan(self.vectors[first:], first)
        return replace(self, scans=(*before, scan), coded=self.count)


def _highest(scores: FloatArray, k: int) -> npt.NDArray[np.intp]:
    """Places of the `k` highest scores, highest first, equal ones in order."""
    places = np.arange(len(scores))
    if k < len(scores):
        places = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    return places[np.argsort(-scores[places], kind="stable")][:k]


def _hit(owner: np.int64, template_key: np.int64, score: np.float32) -> Hit:
    return Hit(int(owner), int(template_key), float(np.clip(score, -1, 1)))
