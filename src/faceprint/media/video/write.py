"""Videos out: H.264 in MP4 with exact times, whole or marked as partial."""

from __future__ import annotations

import math
import uuid
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from faceprint.errors import ImageError, OutputError, VideoError
from faceprint.media.arrays import check_image
from faceprint.media.video.faults import DECODER_FAULTS, output_fault
from faceprint.media.video.read import Video
from faceprint.media.video.remux import put_index_first
from faceprint.media.video.sound import Sound
from faceprint.types import Image

__all__ = ["VideoWriter", "partial_path"]

_TICKS: Final = 90_000
_ENCODERS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("libx264", {"preset": "veryfast", "crf": "20", "bf": "0"}),
    ("libopenh264", {"rc_mode": "quality", "b": "8M"}),
    ("mpeg4", {"qscale": "3", "flags": "+qscale"}),
)
_BT709: Final = 1
_SOUND_AHEAD_S: Final = 1.0
_KEYFRAME_EVERY_S: Final = 2


def partial_path(target: Path) -> Path:
    """Where the playable part of a video goes that was not finished."""
    return target.with_name(f"{target.stem}.partial{target.suffix}")


class VideoWriter:
    """Writes frames to an MP4 that appears whole or not at all.

    The file grows under a hidden name beside the target, in a form that can be played even if
    writing is broken off; only when all is well is it put in order and moved into place. Leaving
    the `with` by an error or Ctrl-C keeps what can be played as NAME.partial.mp4.

    Args:
        path: Ends in .mp4; an existing file is replaced at the end. Its folder must exist.
        width: Of every frame. Sizes that are odd grow by one repeated column or row.
        height: Likewise.
        fps: Mean rate, for the encoder and the last frame's length; the times are those given.
        sound_from: A video whose sound goes with the pictures, without encoding it anew where MP4
            can hold it.
        sound_start_s: Time in that video, after its first frame, that is heard with the first
            frame written.
        sound_end_s: Likewise, where the sound ends; None for where the pictures end.

    Attributes:
        kept: The partial file, once one was left; else None.

    Raises:
        OutputError: The file cannot be written: no folder, no permission.
        VideoError: `sound_from` cannot be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: float,
        sound_from: Path | None = None,
        sound_start_s: float = 0,
        sound_end_s: float | None = None,
    ) -> None:
        if not (math.isfinite(fps) and fps > 0) or width < 1 or height < 1:
            raise ValueError(f"No video has {width} × {height} pixels at {fps} frames per second.")
        self.kept: Path | None = None
        self._target = Path(path)
        self._draft = self._target.with_name(f".{uuid.uuid4().hex}.part")
        self._size = (height, width)
        self._fps = fps
        self._first_s: float | None = None
        self._last_stamp = -1
        self._written = 0
        self._open = True
        self._reformatter = VideoReformatter()
        self._container = self._create()
        self._sound: Sound | None = None
        try:
            self._stream = self._add_pictures()
            if sound_from is not None:
                self._sound = self._add_sound(sound_from, sound_start_s, sound_end_s)
        except BaseException:
            self._give_up()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._open:
            return
        if error is None:
            self._complete()
            return
        self._give_up()
        if self.kept is not None:
            error.add_note(f"The part that was written is kept as {self.kept}.")

    def write(self, pixels: Image, time_s: float) -> None:
        """Adds a frame.

        Args:
            pixels: (height, width, 3) uint8 RGB.
            time_s: When it is shown. The first frame's time becomes 0; each must lie after the one
                before.

        Raises:
            OutputError: The disk is full or refuses; what could be played was kept.
            ImageError: Not an image of the writer's size.
        """
        check_image(pixels)
        if pixels.shape[:2] != self._size:
            raise ImageError(
                f"A frame of {pixels.shape[1]} × {pixels.shape[0]} pixels does not fit a video of "
                f"{self._size[1]} × {self._size[0]}."
            )
        if self._first_s is None:
            self._first_s = time_s
        shown_s = time_s - self._first_s
        self._last_stamp = max(round(shown_s * _TICKS), self._last_stamp + 1)
        frame = self._frame(pixels, self._last_stamp)
        try:
            self._container.mux(self._stream.encode(frame))
            self._written += 1
            if self._sound is not None:
                self._sound.feed(shown_s + _SOUND_AHEAD_S)
        except DECODER_FAULTS as error:
            raise self._fail(error) from error

    def _create(self) -> OutputContainer:
        if not self._target.parent.is_dir():
            raise OutputError(
                f"There is no folder {self._target.parent} to write {self._target.name} to. Make it "
                "first."
            )
        try:
            self._draft.touch(exist_ok=False)
            return av.open(
                f"file:{self._draft.absolute()}",
                "w",
                format="mp4",
                # Without delay_moov, fragments would shift where the sound begins before the pictures.
                container_options={"movflags": "+hybrid_fragmented+delay_moov"},
            )
        except DECODER_FAULTS as error:
            raise output_fault(error, self._target) from error

    def _add_pictures(self) -> VideoStream:
        name, options = next(
            (name, options) for name, options in _ENCODERS if name in av.codecs_available
        )
        rate = Fraction(self._fps).limit_denominator(1001)
        stream: Any = self._container.add_stream(name, rate=rate, options=options)
        height, width = self._size
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.gop_size = max(1, round(self._fps * _KEYFRAME_EVERY_S))
        context.thread_type = "AUTO"
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = int(ColorRange.MPEG)
        return stream  # type: ignore[no-any-return]

    def _add_sound(self, source: Path, start_s: float, end_s: float | None) -> Sound:
        with Video(source) as video:
            zero = video.zero_s
        end = None if end_s is None else zero + Fraction(end_s)
        return Sound(source, self._container, begin_s=zero + Fraction(start_s), end_s=end)

    def _frame(self, pixels: Image, stamp: int) -> VideoFrame:
        height, width = self._size
        if height % 2 or width % 2:
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="rgb24")
        converted = self._reformatter.reformat(
            frame,
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        converted.pts = stamp
        converted.time_base = Fraction(1, _TICKS)
        converted.duration = round(_TICKS / self._fps)
        return converted

    def _complete(self) -> None:
        if not self._written:
            self._give_up()
            raise OutputError(f"{self._target} was not written, because it got no frame.")
        try:
            self._finish()
            self._move_into_place()
        except DECODER_FAULTS as error:
            raise self._fail(error) from error
        except BaseException:
            self._give_up()
            raise

    def _move_into_place(self) -> None:
        ordered = self._draft.with_name(f".{uuid.uuid4().hex}.part")
        try:
            put_index_first(self._draft, ordered)
            ordered.replace(self._target)
            self._draft.unlink()
        except DECODER_FAULTS:
            # No room for the second copy: the first can be played too, only with its index last.
            self._draft.replace(self._target)
        finally:
            ordered.unlink(missing_ok=True)

    def _finish(self) -> None:
        """Writes what encoder and sound hold back, and the index."""
        self._container.mux(self._stream.encode())
        if self._sound is not None:
            self._sound.finish(self._end_s())
        self._close()

    def _end_s(self) -> float:
        return self._last_stamp / _TICKS + 1 / self._fps

    def _close(self) -> None:
        self._open = False
        if self._sound is not None:
            self._sound.close()
        self._container.close()

    def _fail(self, error: Exception) -> OutputError:
        self._give_up()
        return output_fault(error, self._target, kept=self.kept)

    def _give_up(self) -> None:
        """Keeps what can be played, and removes the rest."""
        if self._open:
            with suppress(*DECODER_FAULTS):
                self._finish_early()
            with suppress(*DECODER_FAULTS):
                self._close()
        if self._written and _can_be_played(self._draft):
            self.kept = self._draft.replace(partial_path(self._target))
        self._draft.unlink(missing_ok=True)

    def _finish_early(self) -> None:
        if self._written:
            self._container.mux(self._stream.encode())
            if self._sound is not None:
                self._sound.finish(self._end_s())


def _can_be_played(path: Path) -> bool:
    try:
        with Video(path):
            return True
    except VideoError:
        return False
