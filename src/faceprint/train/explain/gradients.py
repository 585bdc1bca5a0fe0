"""Which parts of a face an answer rests on, by gradients. Needs the extra `train`.

An answer is one number of the outputs (N, K) of a network: the similarity to another face, or one logit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprint.train.explain.layers import evaluating, find_layer
from faceprint.types import FloatArray

__all__ = ["Answer", "grad_cam", "gradient_map", "output", "similarity_to"]

Answer = Callable[[Tensor], Tensor]
"""From outputs (N, K) to (N,)."""

_BATCH = 8


def similarity_to(reference: Tensor) -> Answer:
    """The cosine similarity of embeddings to one, (D,)."""
    return lambda outputs: F.cosine_similarity(outputs.float(), reference.float()[None], dim=1)


def output(column: int) -> Answer:
    """One column of the outputs, as a logit."""
    return lambda outputs: outputs[:, column].float()


def gradient_map(
    network: nn.Module,
    face: Tensor,
    answer: Answer,
    *,
    noise: float = 0.15,
    count: int = 32,
    seed: int = 0,
) -> FloatArray:
    """How strongly each pixel moves an answer.

    Simonyan et al., "Deep Inside Convolutional Networks", 2013: the size of the gradient, largest of the
    three channels; the mean over noisy copies of the face, which takes away what holds for one of them
    alone (Smilkov et al., "SmoothGrad", 2017).

    Args:
        network: Takes (N, 3, S, S).
        face: (3, S, S) float32, scaled as the network takes it.
        answer: What is asked.
        noise: Standard deviation of the noise, as a share of the range of the face; 0 for one clean copy.
        count: Noisy copies.
        seed: Of the noise.

    Returns:
        (S, S) float32, none below zero.
    """
    spread = noise * float(face.max() - face.min())
    random = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(face)
    copies = count if noise else 1
    with evaluating(network):
        for start in range(0, copies, _BATCH):
            size = min(_BATCH, copies - start)
            drawn = torch.randn(size, *face.shape, generator=random).to(face)
            faces = (face[None] + spread * drawn).requires_grad_()
            (gradient,) = torch.autograd.grad(answer(network(faces)).sum(), faces)
            total += gradient.abs().sum(0)
    found: FloatArray = (total / copies).amax(0).cpu().numpy()
    return found


def grad_cam(
    network: nn.Module, layer: str, face: Tensor, answer: Answer, *, pooled: bool = False
) -> FloatArray:
    """Which places of a layer's maps raise an answer.

    Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization",
    ICCV 2017: maps weighed by the gradient of the answer, added up, and what is below zero left out. There
    the gradient is averaged over each map. That is right where the network averages the maps too; where it
    weighs each place of a face on its own, each has to keep its own gradient (Draelos and Carin, "HiResCAM",
    2020). Of the last maps before an average, both give the same.

    Args:
        network: Takes (1, 3, S, S).
        layer: Dotted name of a module that gives maps: the last stage, for what the embedding is made of.
        face: (3, S, S) float32, scaled as the network takes it.
        answer: What is asked.
        pooled: Average the gradient over each map, as Grad-CAM does.

    Returns:
        (h, w) float32, of the size of the layer's maps.

    Raises:
        InputError: There is no such layer.
    """
    kept: list[Tensor] = []
    hook = find_layer(network, layer).register_forward_hook(lambda _m, _i, out: kept.append(out))
    try:
        with evaluating(network), torch.enable_grad():
            # Frozen layers have no gradient of their own; the face makes sure that there is one.
            found = answer(network(face[None].clone().requires_grad_()))
    finally:
        hook.remove()
    (maps,) = kept
    (gradient,) = torch.autograd.grad(found.sum(), maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True) if pooled else gradient
    cam: FloatArray = torch.relu((weights * maps).sum(1))[0].detach().float().cpu().numpy()
    return cam
