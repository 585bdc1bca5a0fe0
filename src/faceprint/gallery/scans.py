"""Short lists: which rows may be most alike a probe, found by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError, MissingExtraError
from faceprint.types import FloatArray

__all__ = [
    "ByteScan",
    "FloatScan",
    "PackedScan",
    "Scan",
    "SearchMode",
    "ShortList",
    "check_search_mode",
    "has_codes",
]

SearchMode = Literal["auto", "exact", "approximate"]
"""How a gallery is searched.

`auto`: exact; a large gallery through a second copy of its templates in bytes, where the extra
`faiss` is installed. `exact`: by float32 alone, which needs less memory. `approximate`: a large
gallery through a second copy in half bytes, which now and then misses a lookalike.
"""

_MODES = ("auto", "exact", "approximate")
_SCORES_AT_ONCE = 2**24
_PROBES_WITHOUT_BLAS = 2
_ROWS_AT_ONCE = 2**16
_ROWS_TO_LEARN_FROM = 2**14
_LEVELS = 255
_SPREADS = 2.5


class ShortList(NamedTuple):
    """What a scan found for one probe.

    Attributes:
        rows: (R,) numbers of rows.
        ceiling: No other row of the scan scores higher; -inf where there is none.
    """

    rows: npt.NDArray[np.intp]
    ceiling: float


class Scan(Protocol):
    """Looks through some rows. Safe to use from several threads at once."""

    def nearest(self, probes: FloatArray, count: int) -> list[ShortList]:
        """About `count` rows for each probe, those of the highest scores.

        Args:
            probes: (M, D) float32 unit vectors.
            count: At least 1.
        """
        ...

    def forget(self, rows: npt.NDArray[np.intp]) -> None:
        """Overwrites what the scan knows of some rows; those of other scans are let be."""
        ...


def check_search_mode(mode: str) -> None:
    """Refuses a way of searching that does not exist or that lacks its extra.

    Raises:
        InputError: There is no such way.
        MissingExtraError: Approximate search without FAISS.
    """
    if mode not in _MODES:
        raise InputError(f"A gallery is searched {', '.join(_MODES)}; {mode!r} is none of these.")
    if mode == "approximate" and not has_codes():
        raise MissingExtraError("Approximate search", extra="faiss")


def has_codes() -> bool:
    """Whether FAISS is installed, which searches the copies in bytes and half bytes."""
    return find_spec("faiss") is not None


def rounding_bound(dimension: int) -> float:
    """How far two float32 sums of the same product of unit vectors can lie apart.

    A sum of D products is off by at most D u / (1 - D u) times the sum of their magnitudes, u being
    2**-24, in whatever order it is taken (Higham, Accuracy and Stability, 3.1). Twice that for two
    sums, and twice again for vectors that are not quite of norm 1 and for the code's own products.
    """
    return 4 * dimension * 2.0**-24


class FloatScan:
    """Scores every row in float32."""

    def __init__(self, vectors: FloatArray, first: int = 0) -> None:
        """Takes (N, D) float32 vectors, which are rows `first` and on."""
        self._vectors = vectors
        self._first = first

    def nearest(self, probes: FloatArray, count: int) -> list[ShortList]:
        """See `Scan.nearest`; rows that tie with the last are all listed."""
        at_once = max(1, _SCORES_AT_ONCE // max(1, len(self._vectors)))
        return [
            self._listed(scores, count)
            for first in range(0, len(probes), at_once)
            for scores in self._scores(probes[first : first + at_once])
        ]

    def forget(self, rows: npt.NDArray[np.intp]) -> None:
        """Does nothing: whoever made the scan overwrites the vectors."""

    def _scores(self, probes: FloatArray) -> FloatArray:
        """Cosine similarity of every probe to every row: (M, N) float32."""
        # A product of a matrix with so few vectors waits for memory, not for arithmetic: threads of
        # BLAS gain little, and lose several milliseconds where the cores have other work.
        if len(probes) <= _PROBES_WITHOUT_BLAS:
            return np.stack([np.vecdot(self._vectors, probe) for probe in probes])
        scores: FloatArray = probes @ self._vectors.T
        return scores

    def _listed(self, scores: FloatArray, count: int) -> ShortList:
        if count >= len(scores):
            return ShortList(self._first + np.arange(len(scores)), -np.inf)
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        ceiling = float(least) + rounding_bound(self._vectors.shape[1])
        return ShortList(self._first + np.flatnonzero(scores >= least), ceiling)


class ByteScan:
    """Scores rows by a copy of one byte per number; what it lists is proven to suffice, or is not.

    A vector v is kept as the nearest point w of a grid of 256 steps from -a to a, a being the
    largest number of any of the vectors; so v = w + e, and |e| <= r for the largest r of all rows.
    FAISS scores q.w with the probe q in float32. By Cauchy and Schwarz the true score differs by
    q.e <= |q| r, for every row. Hence no row that is not listed scores above the last one listed
    plus |q| r, plus what float32 may have rounded.
    """

    def __init__(self, vectors: FloatArray, first: int = 0) -> None:
        """Codes (N, D) float32 vectors, which are rows `first` and on."""
        faiss = _faiss()
        dimension = vectors.shape[1]
        self._first = first
        reach = max(float(vectors.max(initial=0)), -float(vectors.min(initial=0)), 1e-6)
        self._codes = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_8bit_uniform, faiss.METRIC_INNER_PRODUCT
        )
        limits = np.array([-reach, 2 * reach], dtype=np.float32)
        faiss.copy_array_to_vector(limits, self._codes.sq.trained)
        self._codes.is_trained = True
        residual = 0.0
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            part = vectors[start : start + _ROWS_AT_ONCE]
            steps = np.floor((part + reach) * (_LEVELS / (2 * reach))).clip(0, _LEVELS)
            grid = (2 * steps + 1 - _LEVELS) * (reach / _LEVELS)
            residual = max(residual, float(np.linalg.norm(part - grid, axis=1).max()))
            self._codes.add_sa_codes(steps.astype(np.uint8))
        self._error = residual * (1 + 1e-5) + rounding_bound(dimension)

    @property
    def error(self) -> float:
        """How far the score of a unit vector can be from the true one, at most."""
        return self._error

    def nearest(self, probes: FloatArray, count: int) -> list[ShortList]:
        """See `Scan.nearest`; the ceilings are proven."""
        return _lists(self._codes, probes, count, first=self._first, margin=self._error)

    def forget(self, rows: npt.NDArray[np.intp]) -> None:
        """See `Scan.forget`."""
        faiss = _faiss()
        total, dimension = self._codes.ntotal, self._codes.d
        codes = faiss.rev_swig_ptr(self._codes.codes.data(), total * dimension)
        codes.reshape(total, dimension)[_within(rows - self._first, total)] = (_LEVELS + 1) // 2


class PackedScan:
    """Scores rows by a copy of half a byte for each two numbers; its ceilings are likely, not sure.

    Product quantisation: each pair of numbers becomes the nearest of 16 points that were learnt
    from the vectors themselves, and the score is a sum of looked-up parts. Jégou et al. 2011; the
    layout that reads 32 rows at once is from André et al. 2015, as FAISS has it. A score is off by
    the product of the probe and what coding lost, whose spread is measured on the vectors; the
    ceiling lies two and a half times that above the last row listed.
    """

    def __init__(self, vectors: FloatArray, first: int = 0) -> None:
        """Learns from (N, D) float32 vectors, which are rows `first` and on, and codes them.

        D must be even, and N be in the thousands.
        """
        faiss = _faiss()
        dimension = vectors.shape[1]
        self._first = first
        self._codes = faiss.IndexPQFastScan(
            dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT
        )
        sample = np.linspace(0, len(vectors) - 1, min(len(vectors), _ROWS_TO_LEARN_FROM))
        learnt = vectors[sample.astype(np.intp)]
        with _threads(1):
            self._codes.train(learnt)
            lost = learnt - self._codes.pq.decode(self._codes.pq.compute_codes(learnt))
        self._margin = _SPREADS * float(np.sqrt(np.mean(np.square(lost))))
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            self._codes.add(vectors[start : start + _ROWS_AT_ONCE])

    def nearest(self, probes: FloatArray, count: int) -> list[ShortList]:
        """See `Scan.nearest`; a row that is not listed may still score above the ceiling."""
        return _lists(self._codes, probes, count, first=self._first, margin=self._margin)

    def forget(self, rows: npt.NDArray[np.intp]) -> None:
        """See `Scan.forget`."""
        faiss = _faiss()
        packer = self._codes.get_CodePacker()
        packed = faiss.rev_swig_ptr(self._codes.codes.get(), self._codes.codes.size())
        blocks = packed.reshape(-1, 1, packer.block_size)
        nothing = np.zeros(packer.code_size, dtype=np.uint8)
        for row in _within(rows - self._first, self._codes.ntotal).tolist():
            packer.pack_1(nothing, row % packer.nvec, blocks[row // packer.nvec])


def _lists(
    codes: Any, probes: FloatArray, count: int, *, first: int, margin: float
) -> list[ShortList]:
    """The best `count` codes for each probe; scores of unit vectors are off by the margin."""
    # Each probe is searched by one thread: a second one gains little, and spins while it waits.
    with _threads(1):
        scores, rows = codes.search(np.ascontiguousarray(probes), min(count, codes.ntotal))
    ceilings = scores[:, -1] + margin * np.linalg.norm(probes, axis=1)
    if count >= codes.ntotal:
        ceilings[:] = -np.inf
    return [
        ShortList(first + found[found >= 0], float(ceiling))
        for found, ceiling in zip(rows, ceilings, strict=True)
    ]


def _within(rows: npt.NDArray[np.intp], total: int) -> npt.NDArray[np.intp]:
    return rows[(rows >= 0) & (rows < total)]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """FAISS on so many threads, as far as this thread calls it."""
    faiss = _faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _faiss() -> Any:
    # An extra, and a quarter of a second to import.
    import faiss

    return faiss
