"""The liveness score around stand-ins for its networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from faceprint.errors import WeightsCorruptError
from faceprint.liveness import LIVENESS_NOTE
from faceprint.liveness.minifasnet import CONVERSION, MiniFasNetLiveness, cut_box
from faceprint.types import Array, Face, FloatArray, Image
from faceprint.zoo import CARDS, FolderFile, WeightFile, WeightStore
from faceprint.zoo.files import file_digest


class FakeSession:
    """Gives the same three probabilities for every crop, and keeps the crops."""

    engine: Literal["openvino"] = "openvino"
    device = "cpu"
    precision: Literal["f32"] = "f32"

    def __init__(self, *probabilities: float) -> None:
        self.probabilities = probabilities
        self.crops: list[Image] = []

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.crops.extend(batch.astype(np.uint8))
        return (np.tile(np.array(self.probabilities, np.float32), (len(batch), 1)),)


def face(*box: float) -> Face:
    return Face(np.array(box, np.float32), 1.0)


def test_score_is_the_mean_of_the_second_class() -> None:
    model = MiniFasNetLiveness([FakeSession(0.1, 0.8, 0.1), FakeSession(0.5, 0.4, 0.1)])
    image = np.zeros((90, 120, 3), np.uint8)
    (found,) = model.score([image], [[face(40, 30, 60, 60)]])
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([0.6])


def test_each_network_sees_its_share_of_the_frame() -> None:
    near, far = FakeSession(0, 1, 0), FakeSession(0, 1, 0)
    image = np.zeros((400, 400, 3), np.uint8)
    image[180:220, 180:220] = 255
    MiniFasNetLiveness([near, far]).score([image], [[face(180, 180, 220, 220)]])
    for session, scale in ((near, 2.7), (far, 4.0)):
        (crop,) = session.crops
        assert crop.shape == (80, 80, 3)
        assert crop.dtype == np.uint8
        assert float((crop > 127).mean()) == pytest.approx(1 / scale**2, abs=0.02)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((100, 100, 120, 140), (83, 66, 137, 174)),  # 2.7 times as wide and high
        ((0, 0, 20, 40), (0, 0, 54, 108)),  # moved inside, not cut
        ((280, 200, 320, 240), (211, 131, 319, 239)),
        ((-40, -40, 20, 40), (0, 0, 162, 216)),
        ((0, 0, 320, 240), (0, 0, 319, 239)),  # no room: the whole image
        ((100, 20, 140, 220), (96, 0, 143, 239)),  # as far as the height allows
    ],
)
def test_boxes_are_made_larger_inside_the_image(
    box: tuple[float, ...], expected: tuple[int, ...]
) -> None:
    found = cut_box(np.array(box, np.float32), width=320, height=240, scale=2.7)
    assert found == expected


@pytest.mark.parametrize("side", [1, 2, 3, 37])
def test_what_is_seen_always_lies_in_the_image(side: int) -> None:
    rng = np.random.default_rng(side)
    for _ in range(200):
        corners = rng.uniform(-side, 2 * side, (2, 2))
        box = np.concatenate([corners.min(0), corners.max(0)]).astype(np.float32)
        left, top, right, bottom = cut_box(box, width=side, height=side + 2, scale=4.0)
        assert 0 <= left <= right < side
        assert 0 <= top <= bottom < side + 2


def test_boxes_that_hold_nothing_score_nothing() -> None:
    session = FakeSession(0, 1, 0)
    image = np.zeros((40, 40, 3), np.uint8)
    nothing = [face(50, 50, 60, 60), face(5, 5, 5, 9), face(np.nan, 0, 9, 9), face(0, 0, 1e30, 9)]
    model = MiniFasNetLiveness([session, session])
    first, second = model.score([image, image], [[*nothing, face(39, 39, 45, 45)], []])
    assert first.tolist() == [0, 0, 0, 0, 1]
    assert second.shape == (0,)
    assert model.score([], []) == []


def test_more_faces_than_a_batch() -> None:
    model = MiniFasNetLiveness([FakeSession(0, 0.3, 0.7)] * 2)
    (found,) = model.score([np.zeros((1, 1, 3), np.uint8)], [[face(0, 0, 1, 1)] * 150])
    assert found.tolist() == pytest.approx([0.3] * 150)


def test_other_weights_are_refused(tmp_path: Path, state_dict: Callable[..., bytes]) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    files = []
    for place in range(2):
        path = folder / f"{place}.pth"
        path.write_bytes(state_dict({"module.conv1.conv.weight": (32, 3, 3, 3)}))
        digest = file_digest(path, "sha256")
        files.append(WeightFile(path.name, digest, path.stat().st_size, (FolderFile(str(path)),)))
    card = replace(CARDS["minifasnet"], files=tuple(files))
    with pytest.raises(WeightsCorruptError, match="not those of MiniFASNet V2"):
        CONVERSION.convert(card, WeightStore(folder, tmp_path / "cache", offline=True))


@pytest.fixture
def state_dict() -> Callable[..., bytes]:
    torch = pytest.importorskip("torch")

    def made(shapes: dict[str, tuple[int, ...]]) -> bytes:
        import io

        stream = io.BytesIO()
        torch.save({name: torch.zeros(shape) for name, shape in shapes.items()}, stream)
        return stream.getvalue()

    return made


def test_the_note_says_what_it_is_not() -> None:
    assert "not protection" in LIVENESS_NOTE
    assert len(LIVENESS_NOTE) < 320
