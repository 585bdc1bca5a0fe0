"""What each layer of PyTorch is in ONNX, in evaluation mode. Needs the extra `torch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

__all__ = ["Layer", "Norm", "Step", "fold", "step_of"]

Layer = nn.Conv2d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One node of a graph.

    Attributes:
        operation: Of ONNX.
        tensors: What it reads after its input, by name.
        how: Its attributes.
    """

    operation: str
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    how: Mapping[str, Any] = field(default_factory=dict)


def fold(layer: Layer, norm: Norm) -> Layer:
    """A layer and the batch normalisation after it as one layer."""
    if isinstance(layer, nn.Conv2d):
        return fuse_conv_bn_eval(layer, norm)
    return fuse_linear_bn_eval(layer, norm)


def step_of(layer: nn.Module, shape: Sequence[int]) -> Step | None:
    """The node of a layer; None for one that does nothing outside of training.

    Args:
        layer: The layer.
        shape: Of what it reads.

    Raises:
        NotImplementedError: It is not known here.
    """
    match layer:
        case nn.Dropout() | nn.Dropout2d() | nn.Identity():
            return None
        case nn.Conv2d():
            return _convolution(layer)
        case nn.Linear():
            return Step("Gemm", _weights(layer), {"transB": 1})
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            return _normalisation(layer)
        case nn.ReLU():
            return Step("Relu")
        case nn.LeakyReLU():
            return Step("LeakyRelu", how={"alpha": float(layer.negative_slope)})
        case nn.PReLU():
            slope = layer.weight.reshape(-1, *[1] * (len(shape) - 2))
            return Step("PRelu", {"slope": slope})
        case nn.Sigmoid():
            return Step("Sigmoid")
        case nn.Softmax(dim=int()):
            return Step("Softmax", how={"axis": layer.dim})
        case nn.Flatten(start_dim=1, end_dim=-1):
            return Step("Flatten", how={"axis": 1})
        case nn.MaxPool2d(dilation=1, ceil_mode=False):
            return Step("MaxPool", how=_window(layer))
        case nn.AvgPool2d(ceil_mode=False, divisor_override=None):
            counted = {"count_include_pad": int(layer.count_include_pad)}
            return Step("AveragePool", how=_window(layer) | counted)
        case nn.AdaptiveAvgPool2d(output_size=1 | (1, 1)):
            return Step("GlobalAveragePool")
    raise NotImplementedError(f"a {type(layer).__name__} as in {layer}")


def _convolution(layer: nn.Conv2d) -> Step:
    if layer.padding_mode != "zeros":
        raise NotImplementedError(f"a convolution that pads otherwise than with zeros: {layer}")
    how = {
        "strides": _pair(layer.stride),
        "pads": [*_pair(layer.padding)] * 2,
        "dilations": _pair(layer.dilation),
        "group": layer.groups,
    }
    return Step("Conv", _weights(layer), how)


def _normalisation(layer: Norm) -> Step:
    weight, bias, mean, var = layer.weight, layer.bias, layer.running_mean, layer.running_var
    if mean is None or var is None or not layer.affine:
        raise NotImplementedError(f"a normalisation without statistics or weights: {layer}")
    tensors = {"scale": weight, "bias": bias, "mean": mean, "var": var}
    return Step("BatchNormalization", tensors, {"epsilon": layer.eps})


def _weights(layer: Layer) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {"weight": layer.weight}
    return tensors if layer.bias is None else tensors | {"bias": layer.bias}


def _window(layer: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    return {
        "kernel_shape": _pair(layer.kernel_size),
        "strides": _pair(layer.stride),
        "pads": [*_pair(layer.padding)] * 2,
    }


def _pair(value: int | str | tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(value, str):
        raise NotImplementedError(f"padding {value!r}")
    return (value, value) if isinstance(value, int) else value
