"""FSA-Net: head pose from the pixels of a face, 64 pixels wide; two networks, averaged.

Yang et al., "FSA-Net: Learning Fine-Grained Structure Aggregation for Head Pose Estimation From a Single
Image", CVPR 2019. Weights: those of headpose-fsanet-pytorch (MIT), trained on 300W-LP (research only).

The networks were trained on faces cut loosely. A square half as wide again as the box is cut here: of the
margins tried on LFW photos of people of peopleDevTrain, it gave mirrored photos the angles nearest to
mirrored ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.pose.angles import angles_of, turn_x, turn_y, turn_z
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["FsaNet", "build"]

_BATCH = 64
_MARGIN: Final = 1.5
"""Side of the square that is cut, in longer sides of the box."""
_LARGEST = 1e6
"""No box of a photo is further out; beyond, whole numbers overflow."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> FsaNet:
    """The networks of the card.

    Raises:
        ModelError: The weights cannot be had or run; see `WeightStore.files` and `open_session`.
    """

    def made(k: int) -> Path:
        def make(files: tuple[Path, ...]) -> bytes:
            from faceprint.zoo.prepare import prepare

            return prepare(files[k].read_bytes(), card)

        return store.made(card, f"{k}-r{card.revision}.onnx", make)

    sensitive = card.precision == "f32"
    sessions = [open_session(made(k), options, sensitive=sensitive) for k in range(len(card.files))]
    return FsaNet(sessions, name=card.name, input_size_px=card.input_size_px)


class FsaNet:
    """Says where heads look by what their boxes show; landmarks are not needed.

    Args:
        sessions: Networks that take (N, S, S, 3) uint8 RGB and give (N, 3) float32, the angles as 300W-LP
            has them.
        name: Card name.
        input_size_px: S.
    """

    def __init__(
        self, sessions: Sequence[Session], *, name: str = "fsanet", input_size_px: int = 64
    ) -> None:
        self.name = name
        self._sessions = tuple(sessions)
        self._side = input_size_px

    def estimate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[FloatArray]:
        """Yaw, pitch and roll of the K faces of each image: (K, 3) float32 degrees.

        NaN for boxes that hold nothing of their image. What lies outside the image repeats its border.
        """
        angles = [np.full((len(some), 3), np.nan, dtype=np.float32) for some in faces]
        seen = [
            (photo, k)
            for photo, some in enumerate(faces)
            for k, face in enumerate(some)
            if _holds_something(face.box, images[photo])
        ]
        for start in range(0, len(seen), _BATCH):
            part = seen[start : start + _BATCH]
            crops = [_cut(images[photo], faces[photo][k].box, self._side) for photo, k in part]
            for (photo, k), found in zip(part, self._run(np.stack(crops)), strict=True):
                angles[photo][k] = found
        return angles

    def _run(self, crops: Image) -> FloatArray:
        outputs = [session.run(crops)[0].reshape(-1, 3) for session in self._sessions]
        return _ours(np.mean(outputs, axis=0, dtype=np.float64))


def _ours(theirs: npt.NDArray[np.float64]) -> FloatArray:
    """From the angles of 300W-LP: yaw grows to the left, and R = R_x(pitch) R_y(yaw) R_z(roll)."""
    yaw, pitch, roll = theirs.T
    angles: FloatArray = angles_of(turn_x(pitch) @ turn_y(-yaw) @ turn_z(roll)).astype(np.float32)
    return angles


def _holds_something(box: FloatArray, image: Image) -> bool:
    if not np.isfinite(box).all() or np.abs(box).max() > _LARGEST:
        return False
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box.tolist()
    return bool(min(x2, width) > max(x1, 0) and min(y2, height) > max(y1, 0))


def _cut(image: Image, box: FloatArray, side_px: int) -> Image:
    """The square around a box, resized."""
    side = max(float(max(box[2] - box[0], box[3] - box[1])) * _MARGIN, 1.0)
    start = (box[:2] + box[2:]).astype(np.float64) / 2 - side / 2
    scale = side_px / side
    low, grow = np.zeros(2), np.ones(2)
    if scale < 0.5:  # what lies in the image is shrunk by area first, so that nothing aliases
        limits = np.array([image.shape[1], image.shape[0]])
        low = np.clip(np.floor(start), 0, limits - 1)
        high = np.clip(np.ceil(start + side), low + 1, limits)
        (x1, y1), (x2, y2) = low.astype(int), high.astype(int)
        width, height = np.maximum(np.round((high - low) * scale * 1.4), 1).astype(int).tolist()
        shrunk = cv2.resize(image[y1:y2, x1:x2], (width, height), interpolation=cv2.INTER_AREA)
        image = np.asarray(shrunk, dtype=np.uint8)
        grow = (high - low) / np.array([width, height])
    steps = 1 / (scale * grow)
    firsts = (start - low) / grow + steps / 2 - 0.5
    matrix = np.array([[steps[0], 0, firsts[0]], [0, steps[1], firsts[1]]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(
        image, matrix, (side_px, side_px), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=np.uint8)
