"""What a cascade's training keeps after each stage, so that it can be gone on with as if never stopped."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.cascade import Cascade, cascade_text, read_cascade
from faceprint.detect.viola_jones.haar import WINDOW_PX
from faceprint.detect.viola_jones.integral import Grey
from faceprint.errors import TrainingError
from faceprint.train.folders import RunFolder

__all__ = ["CascadeState", "Quarry", "read_state", "write_state"]

_CASCADE: Final = "checkpoints/cascade.json"


def _none() -> Grey:
    return np.zeros((0, WINDOW_PX, WINDOW_PX), dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Quarry:
    """Backgrounds in hand, and where the search for more goes on.

    Attributes:
        windows: (N, 24, 24) uint8.
        beside: (N,) whether each touches a face.
        next_view: See `faceprint.train.cascade.mining.Mine.mine`.
    """

    windows: Grey = field(default_factory=_none)
    beside: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    next_view: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class CascadeState:
    """Where training stands after a stage.

    Attributes:
        cascade: The stages so far.
        train: Backgrounds to train on.
        held_out: Backgrounds to measure on.
    """

    cascade: Cascade
    train: Quarry = field(default_factory=Quarry)
    held_out: Quarry = field(default_factory=Quarry)


def write_state(folder: RunFolder, state: CascadeState) -> None:
    """Keeps a state in place of the one before.

    Raises:
        OutputError: The folder cannot be written.
    """
    count = len(state.cascade.stages)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        train=state.train.windows,
        train_beside=state.train.beside,
        held_out=state.held_out.windows,
        held_out_beside=state.held_out.beside,
        views=np.array([state.train.next_view, state.held_out.next_view]),
    )
    folder.write(_windows_name(count), buffer.getvalue())
    # The cascade comes last: what it says is there is there, wherever a run is broken off.
    folder.write(_CASCADE, cascade_text(state.cascade).encode())
    (folder.path / _windows_name(count - 1)).unlink(missing_ok=True)


def read_state(folder: RunFolder) -> CascadeState | None:
    """The state that was kept last; None before the first stage has ended.

    Raises:
        ModelError: The cascade is damaged.
        TrainingError: The windows are.
    """
    place = folder.path / _CASCADE
    if not place.exists():
        return None
    cascade = read_cascade(place)
    windows = folder.path / _windows_name(len(cascade.stages))
    try:
        with windows.open("rb") as file, np.load(file, allow_pickle=False) as found:
            views = found["views"].tolist()
            return CascadeState(
                cascade,
                Quarry(found["train"], found["train_beside"], views[0]),
                Quarry(found["held_out"], found["held_out_beside"], views[1]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{windows} cannot be read: {error}. Begin anew with another --out."
        ) from error


def _windows_name(stages: int) -> str:
    return f"checkpoints/windows-{stages:02d}.npz"
