"""Parsers: what each pixel of a head shows."""

from __future__ import annotations

from typing import Final

from faceprint.zoo.cards import Licence, ModelCard, Url, WeightFile
from faceprint.zoo.listed.terms import APACHE, MIT

__all__ = ["CARDS"]

_CELEBAMASK: Final = (
    "background, skin, right brow, left brow, right eye, left eye, glasses, right ear, left ear, earring, "
    "nose, mouth, upper lip, lower lip, neck, necklace, clothes, hair, hat"
)
_BISENET_FILE: Final = (
    "https://drive.usercontent.google.com/download?id=154JgKpzCPW82qINcVieuPH3fZ2e0P812"
    "&export=download&confirm=t"
)

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="grabcut",
        kind="parser",
        implementation="grabcut",
        summary="GrabCut and colours where the landmarks say: skin, hair, neck, clothes; no weights.",
        files=(),
        code_licence=APACHE,
        weights_licence=Licence("no weights", "allowed"),
        data_licence=Licence("no training data", "allowed"),
        training_data="None: shapes drawn by hand, and the colours of each photo",
        paper="Rother, Kolmogorov, Blake, GrabCut, SIGGRAPH 2004",
        input_size_px=160,
        alignment="head-160",
    ),
    ModelCard(
        name="bisenet",
        kind="parser",
        implementation="bisenet",
        summary="BiSeNet of face-parsing.PyTorch: the 19 classes of CelebAMask-HQ.",
        files=(WeightFile("79999_iter.pth", None, 0, (Url(_BISENET_FILE),)),),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=Licence("CelebAMask-HQ terms: non-commercial research", "forbidden"),
        training_data="CelebAMask-HQ",
        paper=(
            "Yu et al., BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation, ECCV "
            "2018; Lee et al., MaskGAN: Towards Diverse and Interactive Facial Image Manipulation, CVPR 2020"
        ),
        input_size_px=512,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        alignment="head-celebahq",
        precision="f32",
        extra="torch",
        outputs=_CELEBAMASK,
    ),
)
