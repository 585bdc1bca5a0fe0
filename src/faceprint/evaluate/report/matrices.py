"""Heat maps: the colour of each cell, and the same as a table."""

from __future__ import annotations

from typing import Final, NamedTuple

from faceprint.evaluate.report.blocks import Column, Matrix, Table
from faceprint.evaluate.report.shapes import NONE, show_value

__all__ = ["MatrixCell", "is_dense", "matrix_cells", "matrix_table"]

_SPELLED_OUT: Final = 12
"""Columns whose numbers have room on a page."""


class MatrixCell(NamedTuple):
    """One cell: what it says, how strong its colour is (0 to 100), and of which of the two colours."""

    text: str
    heat: int
    negative: bool


def is_dense(matrix: Matrix) -> bool:
    """Whether there are too many columns for numbers."""
    return len(matrix.column_names) > _SPELLED_OUT


def matrix_cells(matrix: Matrix) -> tuple[tuple[MatrixCell, ...], ...]:
    """The cells of a matrix, row by row."""
    return tuple(
        tuple(_cell(matrix, row, column) for column in range(len(matrix.column_names)))
        for row in range(len(matrix.row_names))
    )


def matrix_table(matrix: Matrix) -> Table:
    """The same numbers as a table, a column for each column."""
    head = " \\ ".join(name for name in (matrix.row_name, matrix.column_name) if name)
    rows = tuple(
        (name, *(cell.text for cell in cells))
        for name, cells in zip(matrix.row_names, matrix_cells(matrix), strict=True)
    )
    columns = (Column(head), *(Column(name) for name in matrix.column_names))
    return Table(matrix.title, columns, rows, matrix.note)


def _cell(matrix: Matrix, row: int, column: int) -> MatrixCell:
    value = matrix.values[row][column]
    if value is None:
        return MatrixCell(NONE, 0, False)
    text = matrix.texts[row][column] if matrix.texts else show_value(value, matrix.unit)
    strength = min(1.0, abs(value) / matrix.limit)
    return MatrixCell(text, round(100 * strength), value < 0)
