"""Detectors that can be set to miss less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from skimage import data

from faceprint.detect import Search, lowered, watchful
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


def test_lowered_gives_doubtful_finds_after_the_others() -> None:
    detector = YuNet(OneAnchor())  # type: ignore[arg-type]
    image = np.asarray(data.astronaut()[:64, :64], dtype=np.uint8)
    assert lowered(detector, 0.6).detect([image]) == [()]
    (face,) = lowered(detector, 0.1).detect([image])[0]
    assert round(face.score, 3) == 0.5
    assert detector.detect([image]) == [()]
    assert len(Search(lowered(detector, 0.1)).detect([image])[0]) == 1


def test_lowering_without_the_setting_gives_the_detector_back() -> None:
    plain = Plain()
    assert lowered(plain, 0.1) is plain
