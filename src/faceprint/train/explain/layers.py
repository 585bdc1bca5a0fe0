"""Filters and feature maps of PyTorch modules. Needs the extra `train`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from faceprint.errors import InputError
from faceprint.types import FloatArray

__all__ = ["evaluating", "feature_maps", "find_layer", "first_filters"]


def first_filters(network: nn.Module) -> FloatArray:
    """The weights of the first convolution, (K, 3, h, w) float32.

    Raises:
        InputError: The network has none.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            weights: FloatArray = module.weight.detach().float().cpu().numpy()
            return weights
    raise InputError(f"This {type(network).__name__} has no convolution.")


def feature_maps(
    network: nn.Module, face: Tensor, layers: Sequence[str]
) -> Mapping[str, FloatArray]:
    """What layers make of a face.

    Args:
        network: Takes (1, 3, S, S).
        face: (3, S, S) float32, scaled as the network takes it.
        layers: Dotted names of modules that give maps, as the stages of a backbone do.

    Returns:
        (C, h, w) float32 each, in the order asked.

    Raises:
        InputError: There is no such layer.
    """
    found: dict[str, Tensor] = {}
    with ExitStack() as stack, torch.no_grad():
        stack.enter_context(evaluating(network))
        for name in layers:
            layer = find_layer(network, name)
            hook = layer.register_forward_hook(
                lambda _module, _inputs, out, name=name: found.__setitem__(name, out[0])
            )
            stack.callback(hook.remove)
        network(face[None])
    return {name: found[name].float().cpu().numpy() for name in layers}


def find_layer(network: nn.Module, name: str) -> nn.Module:
    """A module inside a network.

    Raises:
        InputError: There is none of that name.
    """
    try:
        return network.get_submodule(name)
    except AttributeError as error:
        children = ", ".join(child for child, _ in network.named_children())
        raise InputError(
            f"This {type(network).__name__} has no layer {name!r}. Its layers are: {children}."
        ) from error


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Batch statistics and dropout as in use; the mode is put back afterwards."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)
