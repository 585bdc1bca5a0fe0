"""Published lists of people and tables of photos, as text or CSV."""

from __future__ import annotations

from pathlib import Path

from faceprint.evaluate.protocols.lists import numbered_lines

__all__ = ["read_people_list"]


def read_people_list(path: Path) -> tuple[str, ...]:
    """The people of a list: a name a line, as in LFW's peopleDevTrain.txt.

    What follows a tab is not read, and nor is a line that holds a number alone, as LFW's head does.

    Raises:
        InputError: The list cannot be read, or is empty.
    """
    names = (line.partition("\t")[0].strip() for _, line in numbered_lines(path))
    return tuple(dict.fromkeys(name for name in names if name and not name.isdecimal()))
