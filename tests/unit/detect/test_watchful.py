"""Detectors that can be set to miss less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from skimage import data

from faceprint.detect import watchful
from faceprint.detect.yunet import YuNet
from faceprint.types import Face, Image


class Plain:
    name = "plain"

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        return [() for _ in images]


class OneAnchor:
    """A network that sees one face, of score 0.5, in the first cell of each stride."""

    def run(self, batch: Any) -> list[Any]:
        height, width = batch.shape[1:3]
        cells = [(height // s) * (width // s) for s in (8, 16, 32)]
        outputs = [
            np.zeros((len(batch), count, channels), np.float32)
            for channels in (1, 1, 4, 10)
            for count in cells
        ]
        for k in (0, 3):
            outputs[k][:, 0] = 0.5
        return outputs


def test_a_detector_without_the_setting_comes_back() -> None:
    plain = Plain()
    assert watchful(plain) is plain


def test_a_doubtful_face_is_found() -> None:
    detector = YuNet(OneAnchor())  # type: ignore[arg-type]
    image = np.asarray(data.astronaut()[:64, :64], dtype=np.uint8)
    assert detector.detect([image]) == [()]
    (face,) = watchful(detector).detect([image])[0]
    assert round(face.score, 3) == 0.5
