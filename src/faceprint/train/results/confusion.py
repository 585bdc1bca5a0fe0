"""What was taken for what: confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.report import Matrix

__all__ = ["confusion_table"]


def confusion_table(
    counts: npt.NDArray[np.integer],
    classes: Sequence[str],
    *,
    title: str = "Confusion matrix",
    answers: Sequence[str] | None = None,
    note: str = "",
) -> Matrix:
    """A confusion matrix as a heat map: counts, and the share of each among those of its true class.

    Args:
        counts: (K, A) integers: how often something of the class of the row got the answer of the column.
        classes: K names of the true classes.
        title: Of the block.
        answers: A names of the answers; those of the classes unless given.
        note: What is to be known beside how to read it.
    """
    table = np.asarray(counts)
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros(table.shape), where=totals > 0)
    how = "Rows are what is true: each share is of its row."
    return Matrix(
        title,
        "true",
        "answered",
        tuple(classes),
        tuple(classes if answers is None else answers),
        tuple(tuple(row) for row in shares.tolist()),
        texts=tuple(
            tuple(_cell(count, share) for count, share in zip(*pair, strict=True))
            for pair in zip(table.tolist(), shares.tolist(), strict=True)
        ),
        note=f"{note} {how}".strip(),
    )


def _cell(count: int, share: float) -> str:
    return f"{count:,} ({share * 100:.1f} %)"
