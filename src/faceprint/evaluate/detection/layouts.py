"""The layouts of sets with labelled faces that can be read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from faceprint.errors import InputError
from faceprint.evaluate.detection.fddb import read_fddb
from faceprint.evaluate.detection.labels import LabelledSet
from faceprint.evaluate.detection.voc import read_voc
from faceprint.evaluate.detection.wider import read_wider

__all__ = ["LAYOUTS", "read_set"]

LAYOUTS = ("voc", "wider", "fddb")
"""Names of the layouts."""


def read_set(
    layout: str, root: Path, *, annotations: Path | None = None, classes: Collection[str] = ()
) -> LabelledSet:
    """A set of one of the layouts.

    Args:
        layout: One of `LAYOUTS`.
        root: Its folder.
        annotations: Where its labels are, if not where the publisher puts them.
        classes: For `voc`: names of the objects that are faces.

    Raises:
        InputError: There is no such layout, or the labels are missing or not of the published form.
    """
    if not root.is_dir():
        raise InputError(f"There is no folder {root}. Give the folder of the set with --root.")
    if layout == "voc":
        return read_voc(root, annotations=annotations, classes=classes)
    if classes:
        raise InputError(
            "--classes chooses among the objects of voc; other layouts have only faces."
        )
    if layout == "wider":
        return read_wider(root, annotations=annotations)
    if layout == "fddb":
        return read_fddb(root, annotations=annotations)
    raise InputError(f"There is no layout {layout!r}. Choose one of: {', '.join(LAYOUTS)}.")
