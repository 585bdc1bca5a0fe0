"""Networks in dlib's files."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.errors import WeightsCorruptError
from faceprint.zoo.dlib_files import Layer, fold_convolution, read_layers


def whole(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def name(text: str) -> bytes:
    return whole(len(text)) + text.encode()


def tensor(values: list[float]) -> bytes:
    numbers = np.array(values, "<f4").tobytes()
    return b"".join(map(whole, (2, len(values), 1, 1, 1))) + numbers


def view(count: int) -> bytes:
    return b"".join(map(whole, (1, 1, count, 1, 1)))


def test_layers_come_in_order_with_their_numbers() -> None:
    means = b"".join(whole(v) for v in (123 * 2**8, -8, 5, 2, 1, -1))
    data = b"".join(
        [
            whole(1),
            *(name("input_rgb_image_sized"), means, whole(150), whole(150)),
            *(name("con_4"), tensor([1.5] * 300), whole(4), whole(3)),
            *(name("affine_"), tensor([1, 2, 3, 4]), whole(0)),
            name("relu_"),
            *(name("fc_2"), whole(1), whole(300), tensor([0.25, -2]), whole(1)),
        ]
    )
    layers = read_layers(data, name="some.dat")
    assert [layer.name for layer in layers] == [
        "input_rgb_image_sized",
        "con_4",
        "affine_",
        "relu_",
        "fc_2",
    ]
    assert layers[0].arrays[0].tolist() == [123, 20, 0.5]
    assert layers[1].arrays[0].tolist() == [1.5] * 300
    assert layers[2].arrays[0].tolist() == [1, 2, 3, 4]
    assert layers[3].arrays == ()
    assert layers[4].arrays[0].tolist() == [0.25, -2]


def test_numbers_that_spell_a_name_are_numbers() -> None:
    spelled = np.frombuffer(b"\x01\x06con_4\x01\x05con_4\x01\x05", "<f4")
    data = name("con_4") + tensor(spelled.tolist()) + name("relu_")
    assert [layer.name for layer in read_layers(data, name="some.dat")] == ["con_4", "relu_"]


def test_a_batch_norm_becomes_factors_and_what_is_added() -> None:
    data = b"".join(
        [
            *(name("bn_con2"), tensor([2, 3, 10, 20]), view(2), view(2)),
            *(tensor([9, 9]), tensor([9, 9]), tensor([4, 5]), tensor([0.25 - 1e-4, 1 - 1e-4])),
        ]
    )
    ((values,),) = (layer.arrays for layer in read_layers(data, name="some.dat"))
    np.testing.assert_allclose(values, [4, 3, 10 - 16, 20 - 15], rtol=1e-5)


def test_the_window_of_a_detector() -> None:
    fractions = b"".join(whole(v) for v in (16, -4, 16, -4, 16, -5, 11, -5, 16, -4))
    data = name("loss_mmod_") + whole(1) + whole(80) + whole(60) + fractions
    ((values,),) = (layer.arrays for layer in read_layers(data, name="some.dat"))
    assert values.tolist() == [80, 60, 11 / 32]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no network"),
        (b"not a file of dlib", "no network"),
        (name("con_4") + tensor([1, 2, 3])[:-2], "ends in the middle"),
        (name("con_4") + whole(2), "ends in the middle"),
        (name("input_rgb_image_sized") + whole(1) + whole(60_000), "ends in the middle"),
    ],
    ids=["empty", "text", "tensor", "sides", "power"],
)
def test_what_is_no_file_of_dlib_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(WeightsCorruptError, match=words):
        read_layers(data, name="some.dat")


def test_scales_are_folded_into_convolutions() -> None:
    values = np.array([1, 2, 3, 4, 10, 20], np.float32)
    scale = Layer("affine_", (np.array([2, 3, 100, 200], np.float32),))
    weights, bias = fold_convolution([Layer("con_4", (values,)), scale], channels=2, kernel=1)
    assert weights[:, :, 0, 0].tolist() == [[2, 4], [9, 12]]
    assert bias.tolist() == [120, 260]
    weights, bias = fold_convolution([Layer("con_4", (values,))], channels=2, kernel=1)
    assert weights[:, :, 0, 0].tolist() == [[1, 2], [3, 4]]
    assert bias.tolist() == [10, 20]
    with pytest.raises(WeightsCorruptError, match="5 channels"):
        fold_convolution([Layer("con_4", (values[:5],))], channels=5, kernel=1)
    other = Layer("affine_", (np.ones(6, np.float32),))
    with pytest.raises(WeightsCorruptError, match="2 channels"):
        fold_convolution([Layer("con_4", (values,)), other], channels=2, kernel=1)
