"""Trained networks as ONNX files, checked against the modules that they come from.

Needs the extra `torch`, which is imported only when something is exported.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceprint.errors import ModelError
from faceprint.runtime import RuntimeOptions, engines, open_session
from faceprint.types import FloatArray

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LARGEST_DIFFERENCE", "differences", "example_inputs", "export_head", "export_onnx"]

LARGEST_DIFFERENCE = 1e-3
"""Between a module and its export, as a share of the largest number that comes out."""


def export_onnx(network: nn.Module, *, side_px: int, name: str, output: str = "embedding") -> bytes:
    """A network on faces as an ONNX file.

    Args:
        network: From (N, 3, S, S) float32, scaled, to (N, K); it is left as it is.
        side_px: S.
        name: Of the graph.
        output: Name of what comes out.

    Returns:
        A network that takes and gives the same for any N.

    Raises:
        ModelError: The network has a step that cannot be exported, or an engine of this machine computes
            something else than the module does.
    """
    return _checked_export(network, (3, side_px, side_px), name=name, output=output)


def export_head(head: nn.Module, *, width: int, name: str, output: str = "logit") -> bytes:
    """A network on rows of numbers as an ONNX file, as a classifier of pairs is one.

    Args:
        head: From (N, width) float32 to (N, K); it is left as it is.
        width: Two dimensions of embeddings, for a classifier of pairs.
        name: Of the graph.
        output: Name of what comes out: "probability" for a classifier that gives such, else "logit".

    Raises:
        ModelError: As for `export_onnx`.
    """
    return _checked_export(head, (width,), name=name, output=output)


def differences(content: bytes, network: nn.Module, inputs: FloatArray) -> Mapping[str, float]:
    """How far an ONNX file is from its module on some inputs.

    Args:
        content: The ONNX file.
        network: The module.
        inputs: (N, …) float32.

    Returns:
        For each engine of this machine the largest difference of two numbers, as a share of the largest
        number that the module gives.

    Raises:
        ModelError: An engine cannot load the file.
    """
    import torch

    own = copy.deepcopy(network).float().cpu().eval()
    with torch.inference_mode():
        wanted = own(torch.from_numpy(inputs)).numpy()
    largest = max(float(np.abs(wanted).max()), float(np.finfo(np.float32).tiny))
    found: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(content)
        for status in engines():
            if status.version is None:
                continue
            options = RuntimeOptions(engine=status.engine, device="cpu", precision="f32", threads=1)
            session = open_session(path, options)
            # A batch, and one alone: that the batch size is free is part of what is checked.
            apart = [
                np.abs(session.run(inputs[some])[0] - wanted[some]).max() / largest
                for some in (slice(None), slice(1))
            ]
            found[status.engine] = float(np.max(apart))
    return found


def example_inputs(shape: tuple[int, ...], *, count: int = 6, seed: int = 0) -> FloatArray:
    """Inputs to check networks on: noise, and smooth pictures, or unit vectors for rows of numbers.

    Args:
        shape: Of one input.
        count: How many; half of each kind.
        seed: Equal seeds give equal inputs.

    Returns:
        (count, *shape) float32, in about the range of scaled pixels.
    """
    random = np.random.default_rng(seed)
    noise = random.normal(size=(count, *shape)).astype(np.float32)
    if len(shape) != 3:
        norms = np.linalg.norm(noise, axis=-1, keepdims=True)
        unit: FloatArray = noise / norms
        return unit
    channels, height, width = shape
    for number in range(count // 2, count):
        coarse = random.normal(size=(5, 5, channels)).astype(np.float32)
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        noise[number] = smooth.reshape(height, width, channels).transpose(2, 0, 1)
    return noise


def _checked_export(network: nn.Module, shape: tuple[int, ...], *, name: str, output: str) -> bytes:
    from torch.fx.proxy import TraceError

    from faceprint.zoo.torch_graph import convert_floats

    own = copy.deepcopy(network).float()
    try:
        content = convert_floats(own, shape, name=name, output=output)
    except (NotImplementedError, TraceError) as error:
        raise ModelError(
            f"The network {name} cannot be exported: {error}. Build it of steps that "
            "faceprint.zoo.torch_layers knows."
        ) from error
    far = differences(content, own, example_inputs(shape))
    if wrong := {engine: apart for engine, apart in far.items() if not apart < LARGEST_DIFFERENCE}:
        told = ", ".join(f"{apart:.2g} on {engine}" for engine, apart in wrong.items())
        raise ModelError(
            f"The exported network {name} does not compute what was trained: it differs by {told}, at most "
            f"{LARGEST_DIFFERENCE:g} of the largest number was expected. Its weights may not be finite."
        )
    return content
