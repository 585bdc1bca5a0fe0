"""Frames as picture files, with a list of their exact times."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, Self

from faceprint.errors import FaceprintError, OutputError
from faceprint.files import write_whole
from faceprint.media.video.faults import output_fault
from faceprint.media.video.records import Frame, VideoInfo
from faceprint.media.write import encode_image
from faceprint.types import Image

__all__ = ["FrameFolder", "PictureFormat", "write_bytes"]

PictureFormat = Literal["jpg", "png"]

_LISTS: Final = ("frames.json", "frames.csv")


class FrameFolder:
    """Writes frames into a folder, each as frame-INDEX-TIMEs.jpg, and lists them at the end.

    The lists, frames.json and frames.csv, are written when the `with` is left, whatever the cause;
    if that is an error or Ctrl-C, frames.json gives it under "partial".

    Args:
        folder: Made if need be.
        info: Of the video.
        format: Of the pictures; PNG is lossless.
        replace: Write over files that are there.

    Attributes:
        partial: Why frames are missing, in plain words, or None; may be set from outside.
        damaged: Broken frames of the video; set from outside.

    Raises:
        OutputError: The folder cannot be made, or holds frames already.
    """

    def __init__(
        self, folder: Path, info: VideoInfo, *, format: PictureFormat = "jpg", replace: bool = False
    ) -> None:
        self.folder = folder
        self.partial: str | None = None
        self.damaged = 0
        self._info, self._format, self._replace = info, format, replace
        self._rows: list[dict[str, Any]] = []
        for name in _LISTS:
            if not replace and (folder / name).exists():
                raise OutputError(
                    f"{folder} holds frames already ({name}). Choose another folder, or write over "
                    "them with --force."
                )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_fault(error, folder) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FaceprintError):
            self.partial = str(error)
        elif error is not None:
            self.partial = "interrupted" if isinstance(error, KeyboardInterrupt) else repr(error)
        try:
            self._write_lists()
        except OutputError:
            if error is None:
                raise

    def __len__(self) -> int:
        return len(self._rows)

    def save(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Writes each frame and passes it on.

        Raises:
            OutputError: A picture cannot be written, or is there already.
        """
        for frame in frames:
            name = f"frame-{frame.index:06d}-{frame.time_s:.3f}s.{self._format}"
            self.add(name, frame.pixels)
            self._rows.append({"file": name, "index": frame.index, "time_s": frame.time_s})
            yield frame

    def add(self, name: str, pixels: Image) -> None:
        """Writes one picture.

        Raises:
            OutputError: It cannot be written, or is there already.
        """
        kind: Literal["png", "jpeg"] = "png" if name.endswith(".png") else "jpeg"
        data = encode_image(pixels, format=kind)
        # Waiting for the disk at every frame would take longer than decoding them.
        write_bytes(self.folder / name, data, replace=self._replace, durable=False)

    def to_dict(self) -> dict[str, Any]:
        """As frames.json has it."""
        return {
            "video": self._info.to_dict(),
            "frames": self._rows,
            "damaged_frames": self.damaged,
            "partial": self.partial,
        }

    def _write_lists(self) -> None:
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1)
        write_bytes(self.folder / "frames.json", text.encode(), replace=True)
        sheet = io.StringIO()
        writer = csv.DictWriter(sheet, ["file", "index", "time_s"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        write_bytes(self.folder / "frames.csv", sheet.getvalue().encode(), replace=True)


def write_bytes(target: Path, data: bytes, *, replace: bool, durable: bool = True) -> None:
    """Writes a file that appears whole or not at all.

    Args:
        target: The file.
        data: All of it.
        replace: Take the place of an existing file.
        durable: Wait until the disk has the data.

    Raises:
        OutputError: It cannot be written, or is there already and may not be replaced.
    """
    try:
        write_whole(target, data, replace=replace, durable=durable)
    except FileExistsError as error:
        raise OutputError(
            f"{target} is there already. Choose another name, or write over it with --force."
        ) from error
    except OSError as error:
        raise output_fault(error, target) from error
