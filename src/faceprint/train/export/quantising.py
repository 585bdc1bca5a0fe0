"""Networks in 8-bit integers: smaller, on many machines faster, and a little less exact.

Post-training quantisation with a scale for each channel of the weights, and for the numbers between
layers one that is measured on photos (Krishnamoorthi, "Quantizing deep convolutional networks for efficient
inference", 2018). Needs the extra `ort`, to quantise and not to run what comes out.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from faceprint.errors import InputError, MissingExtraError, ModelError
from faceprint.types import FloatArray, Image
from faceprint.zoo import ModelCard

__all__ = ["LEAST_CROPS", "quantise"]

LEAST_CROPS = 32
_BATCH = 16


def quantise(network: Path, crops: Image, card: ModelCard) -> bytes:
    """A network with weights, and numbers between layers, in 8 bits.

    Args:
        network: An ONNX file that takes (N, 3, S, S) float32 scaled as the card says.
        crops: (M, S, S, 3) uint8 RGB, of the kind that it will see; 32 at least, some hundreds are better.
        card: Gives side, mean, scale and channel order of the pixels.

    Returns:
        An ONNX file that takes and gives the same.

    Raises:
        InputError: There are too few crops, or they are of another size.
        ModelError: The network cannot be quantised.
        MissingExtraError: ONNX Runtime is not installed.
    """
    side = card.input_size_px
    if len(crops) < LEAST_CROPS or crops.shape[1:] != (side, side, 3):
        raise InputError(
            f"Quantising {card.name} takes {LEAST_CROPS} crops of {side} x {side} pixels or more, got "
            f"an array of shape {crops.shape}."
        )
    try:
        from onnxruntime import quantization as ort
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise MissingExtraError("Quantising", extra="ort") from error
    with TemporaryDirectory() as folder, _quiet():
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        try:
            quant_pre_process(str(network), str(plain), skip_symbolic_shape=True)
            ort.quantize_static(
                str(plain),
                str(small),
                _CropReader(crops, card, _input_name(plain)),
                quant_format=ort.QuantFormat.QDQ,
                per_channel=True,
                activation_type=ort.QuantType.QInt8,
                weight_type=ort.QuantType.QInt8,
                # Zero points cost OpenVINO more time than 8 bits save.
                extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
            )
        except Exception as error:
            raise ModelError(f"{network} cannot be quantised: {error}") from error
        return small.read_bytes()


class _CropReader:
    """Gives crops in batches, scaled, until there are no more: what ONNX Runtime asks."""

    def __init__(self, crops: Image, card: ModelCard, name: str) -> None:
        self._starts = iter(range(0, len(crops), _BATCH))
        self._crops, self._card, self._name = crops, card, name

    def get_next(self) -> dict[str, FloatArray] | None:
        start = next(self._starts, None)
        if start is None:
            return None
        crops = self._crops[start : start + _BATCH]
        ordered = crops[..., ::-1] if self._card.colour == "BGR" else crops
        mean, std = (np.array(some, np.float32) for some in (self._card.mean, self._card.std))
        values = (ordered - mean) / std
        return {self._name: np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype=np.float32)}


def _input_name(path: Path) -> str:
    import onnx

    (only,) = onnx.load(path).graph.input
    return str(only.name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps ONNX Runtime's advice on how it is called from those who did not call it."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)
