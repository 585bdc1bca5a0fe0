"""Trains the parser `faceprint-parser`, and takes it into the package.

    python benchmarks/parser_training.py --heads local/heads.npz --out local/parser

The heads are those of `parser_labels.py`. After the first round each head is labelled again: the network
says where each class may be, in the place of shapes around the face, and the colours of the photo decide;
the second round goes on from there. One core; `--ship` writes src/faceprint/parse/weights/faceprint-
parser.onnx and prints the lines of its card.
"""

from __future__ import annotations

import copy
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from torch import Tensor

from faceprint.files import write_whole
from faceprint.parse.classes import CLASSES, number_of
from faceprint.parse.unet import UNet
from faceprint.train.export.halves import store_halves
from faceprint.types import Image, Labels
from faceprint.zoo import CARDS
from faceprint.zoo.prepare import prepare
from faceprint.zoo.torch_graph import convert_floats
from parser_covers import UNKNOWN, changed
from parser_labels import KINDS, SIDE, Floats, named, shares_of

console = Console()

NAME: Final = "faceprint-parser"
PACKAGE: Final = Path(__file__).resolve().parent.parent / "src" / "faceprint"
TOLD: Final = tuple(name for name in CLASSES if name not in ("earring", "necklace"))
"""The classes that it learns, in the order of its channels."""

BATCH: Final = 24
HEAVIEST: Final = 6.0
"""Most that a pixel of a rare class counts, against one of all classes."""

FAIRNESS: Final = 0.6
"""How much of that is taken back when it is used: rare classes were learnt well, but are found too large."""

DECAY: Final = 0.995
MEAN, SCALE = 127.5, 64.0
KIND_OF: Final = {
    "background": 0,
    "right ear": 2,
    "left ear": 2,
    "neck": 3,
    "clothes": 4,
    "hair": 5,
    "hat": 6,
}
"""Kinds of classes for labelling again; all others are skin with something on it."""


@dataclass(frozen=True, eq=False)
class Heads:
    """What is learnt from: see `parser_labels.py`."""

    crops: Image
    labels: Labels
    points: Floats
    person: Labels
    inside: Labels


def main(
    heads: Annotated[Path, typer.Option(help="Of parser_labels.py.")],
    out: Annotated[Path, typer.Option(help="Folder of the weights of each round.")],
    epochs: Annotated[tuple[float, float], typer.Option(help="Of the two rounds.")] = (8, 6),
    rates: Annotated[tuple[float, float], typer.Option(help="Largest learning rates.")] = (
        4e-3,
        2e-3,
    ),
    seed: Annotated[int, typer.Option(help="Of chance.")] = 1,
    ship: Annotated[bool, typer.Option("--ship", help="Take it into the package.")] = False,
) -> None:
    """Trains in two rounds and exports."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    cv2.setNumThreads(1)
    out.mkdir(parents=True, exist_ok=True)
    given = np.load(heads)
    known = Heads(*(given[name] for name in ("crops", "labels", "points", "person", "inside")))
    network = UNet(len(TOLD))
    for number, (some, rate) in enumerate(zip(epochs, rates, strict=True), 1):
        kept = out / f"round-{number}.pt"
        if kept.exists():
            network.load_state_dict(torch.load(kept, weights_only=True))
            continue
        if number > 1:
            console.print("Labelling again")
            known = labelled_again(network, known)
        network = train_round(network, known, epochs=some, rate=rate, seed=seed + number)
        torch.save(network.state_dict(), kept)
    content = export(network, class_weights(given["labels"]))
    write_whole(out / f"{NAME}.onnx", content)
    if ship:
        folder = PACKAGE / "parse" / "weights"
        folder.mkdir(exist_ok=True)
        write_whole(folder / f"{NAME}.onnx", content)
    console.print(f"sha256:{hashlib.sha256(content).hexdigest()} {len(content)}")


def train_round(network: UNet, heads: Heads, *, epochs: float, rate: float, seed: int) -> UNet:
    """The mean over the last steps of a network that has learnt for some epochs."""
    draws = np.random.default_rng(seed)
    network = network.train()
    steady = copy.deepcopy(network)
    steps = int(epochs * len(heads.crops) / BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.15
    )
    weights, channels = class_weights(heads.labels), channel_of()
    order: list[int] = []
    began, mean = time.monotonic(), 0.0
    for step in range(steps):
        if len(order) < BATCH:
            order = draws.permutation(len(heads.crops)).tolist()
        pixels, labels = batch([order.pop() for _ in range(BATCH)], heads, draws)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = network(scaled(pixels))
        goal = torch.from_numpy(channels[labels].astype(np.int64))
        loss = F.cross_entropy(
            scores.float(), goal, weight=weights, ignore_index=UNKNOWN, label_smoothing=0.03
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        average(steady, network, keep=min(DECAY, (step + 1) / (step + 10)))
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 0:
            console.print(f"{step} of {steps}: {mean:.3f}, {time.monotonic() - began:.0f} s")
    return steady


def batch(rows: list[int], heads: Heads, draws: np.random.Generator) -> tuple[Image, Labels]:
    """Crops and labels of some heads, changed by chance."""
    made = [
        changed(
            draws,
            heads.crops[row],
            heads.labels[row],
            heads.points[row],
            heads.crops[draws.integers(len(heads.crops))],
        )
        for row in rows
    ]
    return np.stack([pixels for pixels, _ in made]), np.stack([labels for _, labels in made])


def scaled(pixels: Image) -> Tensor:
    """Crops as the network takes them: (N, 3, S, S)."""
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().sub(MEAN).div(SCALE)
    return tensor.contiguous(memory_format=torch.channels_last)


def channel_of() -> Labels:
    """The channel of each class number; those that are not learnt are unknown."""
    channels = np.full(256, UNKNOWN, np.uint8)
    for channel, name in enumerate(TOLD):
        channels[number_of(name)] = channel
    return channels


def class_weights(labels: Labels) -> Tensor:
    """What a pixel of each channel counts: more where there are few of them."""
    channels = channel_of()[labels[::20]]
    shares = np.bincount(channels.ravel(), minlength=256)[: len(TOLD)] / channels.size
    for name, least in (("hat", 0.01), ("glasses", 0.003)):  # there are more once they are put on
        shares[TOLD.index(name)] = max(shares[TOLD.index(name)], least)
    weights = 1 / np.sqrt(shares + 1e-3)
    weights /= (weights * shares).sum()
    return torch.tensor(np.minimum(weights, HEAVIEST), dtype=torch.float32)


@torch.no_grad()
def average(steady: UNet, network: UNet, *, keep: float) -> None:
    """Moves the mean of the weights a little towards those of now."""
    now = network.state_dict()
    for name, one in steady.state_dict().items():
        if one.is_floating_point():
            one.lerp_(now[name], 1 - keep)
        else:
            one.copy_(now[name])


@torch.no_grad()
def labelled_again(network: UNet, heads: Heads) -> Heads:
    """The same heads, each class where the network has it and the colours of the photo agree."""
    network = network.eval()
    labels = np.empty_like(heads.labels)
    for row, crop in enumerate(heads.crops):
        shares = torch.softmax(network(scaled(crop[None]))[0], dim=0).numpy()
        labels[row] = agreed(shares, crop, heads.person[row], heads.points[row], heads.inside[row])
    return Heads(heads.crops, labels, heads.points, heads.person, heads.inside)


def agreed(shares: Floats, crop: Image, person: Labels, points: Floats, inside: Labels) -> Labels:
    """Labels of one head from the network's shares (17, 160, 160), its colours and its mesh."""
    places = np.zeros((len(KINDS), SIDE, SIDE), np.float32)
    for channel, name in enumerate(TOLD):
        places[KIND_OF.get(name, 1)] += shares[channel]
    settled = shares_of(crop, person, points, 0.96 * places + 0.005, inside)
    labels = named(settled, points)
    labels[shares[TOLD.index("glasses")] > 0.5] = number_of("glasses")
    return labels


@torch.no_grad()
def export(network: UNet, weights: Tensor) -> bytes:
    """The network as it ships: takes floats, as published files do, with weights in 16 bits.

    Args:
        network: As it was trained.
        weights: What a pixel of each channel counted.
    """
    network = copy.deepcopy(network)
    assert network.head.bias is not None
    network.head.bias -= FAIRNESS * torch.log(weights)
    content = store_halves(
        convert_floats(network.eval().float(), (3, SIDE, SIDE), name=NAME, output="scores")
    )
    if NAME in CARDS:  # it can be prepared
        prepare(content, CARDS[NAME])
    return content


if __name__ == "__main__":
    typer.run(main)
