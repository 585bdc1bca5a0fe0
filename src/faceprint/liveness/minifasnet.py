"""MiniFASNet: two small networks that look at a face and what is around it; their mean is the score.

Weights: Silent-Face-Anti-Spoofing of Minivision (Apache-2.0), trained on photos of its own that it does not
describe. MiniFASNet V2 sees 2.7 times the box of the face, V1SE 4 times: the frame of a screen, a hand that
holds a print and the edge of the paper are as telling as the face itself. Each gives the probabilities of
three classes, of which the second is a person; what tells the other two apart is not said.

The networks were made for whole frames of phone cameras. On simulated prints and screens, and on photos as
if taken by the same camera, a score of 0.5 let 13 % of the prints and 24 % of the screens pass, and refused
10 % of the people, all of them faces blown up from 100 pixels (benchmarks/liveness.csv). See `LIVENESS_NOTE`.

PyTorch converts the weights once; the networks are kept beside the weights and run without PyTorch from then
on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from faceprint.errors import WeightsCorruptError
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Array, Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.conversions import Conversion, torch_for

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CONVERSION", "SCALES", "MiniFasNetLiveness", "build", "cut_box"]

SCALES: Final = (2.7, 4.0)
"""How much of a frame each network sees, in boxes, in the order of the card's files."""

_NAMES: Final = ("V2", "V1SE")
_PERSON = 1
_BATCH = 64
_PREFIX = "module."
_LARGEST = 1e6
"""No box of a photo is further out; beyond, whole numbers overflow."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> MiniFasNetLiveness:
    """The networks of the card.

    Raises:
        ModelError: The weights cannot be had or run; see `WeightStore.files` and `open_session`.
        MissingExtraError: The weights are yet to be converted, and PyTorch is not installed.
    """
    sensitive = card.precision == "f32"
    sessions = [
        open_session(path, options, sensitive=sensitive) for path in CONVERSION.convert(card, store)
    ]
    return MiniFasNetLiveness(sessions, name=card.name, input_size_px=card.input_size_px)


class MiniFasNetLiveness:
    """Scores how much faces look like people before the camera, by the faces and what is around them.

    Args:
        sessions: Networks that take (N, S, S, 3) uint8 RGB and give (N, 3) float32 probabilities; one for
            each of `SCALES`.
        name: Card name.
        input_size_px: S.
    """

    def __init__(
        self, sessions: Sequence[Session], *, name: str = "minifasnet", input_size_px: int = 80
    ) -> None:
        self.name = name
        self._sessions = tuple(sessions)
        self._side = input_size_px

    def score(self, images: Sequence[Image], faces: Sequence[Sequence[Face]]) -> list[FloatArray]:
        """Of the K faces of each image: (K,) float32, 0 to 1; 1 for a person before the camera.

        0 for a box that holds nothing of its image, since nothing speaks for a person there.

        Args:
            images: (H, W, 3) uint8 RGB each; whole frames, not crops of faces.
            faces: Of each image.
        """
        scores = [np.zeros(len(some), dtype=np.float32) for some in faces]
        seen = [
            (photo, k)
            for photo, some in enumerate(faces)
            for k, face in enumerate(some)
            if _holds_something(face.box, images[photo])
        ]
        for start in range(0, len(seen), _BATCH):
            part = seen[start : start + _BATCH]
            boxes = [(images[photo], faces[photo][k].box) for photo, k in part]
            for (photo, k), score in zip(part, self._scores(boxes), strict=True):
                scores[photo][k] = score
        return scores

    def _scores(self, boxes: Sequence[tuple[Image, FloatArray]]) -> FloatArray:
        people = [
            session.run(np.stack([self._cut(*box, scale) for box in boxes]))[0][:, _PERSON]
            for session, scale in zip(self._sessions, SCALES, strict=True)
        ]
        scores: FloatArray = np.clip(np.mean(people, axis=0), 0, 1).astype(np.float32)
        return scores

    def _cut(self, image: Image, box: FloatArray, scale: float) -> Image:
        left, top, right, bottom = cut_box(
            box, width=image.shape[1], height=image.shape[0], scale=scale
        )
        # As the networks were trained: stretched to a square, and without regard to aliasing.
        crop = cv2.resize(image[top : bottom + 1, left : right + 1], (self._side, self._side))
        return np.asarray(crop, dtype=np.uint8)


def cut_box(box: FloatArray, *, width: int, height: int, scale: float) -> tuple[int, int, int, int]:
    """What a network sees of an image: the box made larger, as far as the image allows, and moved inside it.

    Args:
        box: (4,) float32 pixels; of some width and height.
        width: Of the image, in pixels.
        height: Of the image.
        scale: How many times as wide and high as the box.

    Returns:
        First and last column and row, as left, top, right, bottom; the last ones are part of it.
    """
    x1, y1, x2, y2 = box.astype(np.float64).tolist()
    # Never less than a pixel, be the box ever so thin.
    box_width, box_height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    scale = min(scale, (width - 1) / box_width, (height - 1) / box_height)
    left, right = _inside((x1 + x2) / 2, box_width * scale, width - 1)
    top, bottom = _inside((y1 + y2) / 2, box_height * scale, height - 1)
    return left, top, right, bottom


def _inside(middle: float, side: float, last: int) -> tuple[int, int]:
    start, end = middle - side / 2, middle + side / 2
    if start < 0:
        start, end = 0.0, end - start
    if end > last:
        start, end = start - (end - last), float(last)
    return max(int(start), 0), int(end)


def _holds_something(box: FloatArray, image: Image) -> bool:
    if not np.isfinite(box).all() or np.abs(box).max() > _LARGEST:
        return False
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box.tolist()
    return bool(min(x2, width) > max(x1, 0) and min(y2, height) > max(y1, 0))


def _network(arrays: Mapping[str, Array], card: ModelCard, place: int) -> nn.Module:
    torch = torch_for(card)
    from faceprint.liveness import minifasnet_network

    network = minifasnet_network.MiniFasNet(getattr(minifasnet_network, _NAMES[place]))
    tensors = {name.removeprefix(_PREFIX): torch.from_numpy(a) for name, a in arrays.items()}
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        wrong = str(error).splitlines()[-1].strip()
        raise WeightsCorruptError(
            f"The weights of {card.name} are not those of MiniFASNet {_NAMES[place]} ({wrong}). Get "
            "the file again from its publisher."
        ) from error
    whole: nn.Module = torch.nn.Sequential(network, torch.nn.Softmax(dim=1))
    return whole


CONVERSION = Conversion(
    _network, output="probabilities", parts=tuple(name.lower() for name in _NAMES)
)
"""How the weights become networks."""
