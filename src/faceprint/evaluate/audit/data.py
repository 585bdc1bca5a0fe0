"""What is audited: photos, whose they are, and the groups that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.attributes import read_utkface
from faceprint.evaluate.audit.labels import (
    Grouping,
    LabelTable,
    age_band,
    group_by,
    read_labels,
)
from faceprint.evaluate.protocols import read_people

__all__ = ["AuditData", "read_faces", "read_folder"]


@dataclass(frozen=True, slots=True, eq=False)
class AuditData:
    """Photos with labels.

    Attributes:
        name: What they are called in reports.
        root: Their folder.
        photos: N paths.
        people: (N,) int64, whose photo each is: an index of `names`.
        names: Of the people; of the files, where nobody knows who they show.
        groupings: The groups to compare; none without labels.
        identified: Whether it is known who is shown. If not, each photo counts as a person's only one.
        notes: What a reader must know.
    """

    name: str
    root: Path
    photos: tuple[Path, ...]
    people: npt.NDArray[np.int64]
    names: tuple[str, ...]
    groupings: tuple[Grouping, ...]
    identified: bool
    notes: tuple[str, ...]


def read_folder(root: Path, *, labels: Path | None = None, by: Sequence[str] = ()) -> AuditData:
    """A folder per person.

    Args:
        root: The folder.
        labels: A table of labels; without one, there are no groups.
        by: Labels to compare groups of; "sex+age_band" crosses two. The first few unless given.

    Raises:
        ImageNotFoundError: There is no such folder, or it holds no folder with photos.
        InputError: The table, or a label of it, cannot be used.
    """
    folder = read_people(root)
    if labels is None:
        if by:
            raise InputError(
                "--by names columns of a table: give the table with --labels FILE.csv."
            )
        groupings: tuple[Grouping, ...] = ()
        notes: tuple[str, ...] = ("No labels were given: no groups are compared.",)
    else:
        owners = [folder.names[number] for number in folder.people]
        table = read_labels(labels, folder.photos, root=root, people=owners)
        groupings, notes = group_by(table, by), table.notes + _left_out(table, by)
    return AuditData(
        name=folder.name,
        root=root,
        photos=folder.photos,
        people=folder.people.astype(np.int64),
        names=folder.names,
        groupings=groupings,
        identified=True,
        notes=notes,
    )


def read_faces(
    root: Path, *, by: Sequence[str] = (), limit: int | None = None, seed: int = 0
) -> AuditData:
    """Photos with names like UTKFace's, which say age and sex, and not who is shown.

    Args:
        root: Their folder.
        by: Of sex and age_band; "sex+age_band" crosses them. Both unless given.
        limit: Draw at most so many photos by chance.
        seed: Equal seeds draw the same photos.

    Raises:
        InputError: No photo has such a name, or a label cannot be used.
    """
    found = read_utkface(root, limit=limit, seed=seed)
    photos = tuple(photo.path for photo in found.photos)
    table = LabelTable(
        {
            "sex": tuple("female" if photo.female else "male" for photo in found.photos),
            "age_band": tuple(age_band(photo.age) for photo in found.photos),
        }
    )
    left_out = found.duplicates + sum(map(len, found.conflicts))
    notes = [
        "The names do not say who is shown: each photo counts as a person of its own. There are no "
        "genuine pairs, so no FNMR, and people who are shown twice make the FMR too high."
    ]
    if left_out:
        notes.append(f"{left_out:,} copies of photos were left out.")
    if found.failures:
        notes.append(f"{len(found.failures):,} files have no such name or cannot be read.")
    return AuditData(
        name=root.resolve().name,
        root=root,
        photos=photos,
        people=np.arange(len(photos), dtype=np.int64),
        names=tuple(photo.name for photo in photos),
        groupings=group_by(table, by),
        identified=False,
        notes=tuple(notes),
    )


def _left_out(table: LabelTable, by: Sequence[str]) -> tuple[str, ...]:
    if by:
        return ()
    unused = table.columns.keys() - {grouping.name for grouping in group_by(table)}
    if not unused:
        return ()
    names = ", ".join(name for name in table.columns if name in unused)
    return (f"Not compared, for want of 2 to 50 values or since there are many labels: {names}.",)
