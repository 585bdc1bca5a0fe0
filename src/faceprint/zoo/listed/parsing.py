"""Parsers: what each pixel of a head shows."""

from __future__ import annotations

from typing import Final

from faceprint.zoo.cards import Licence, ModelCard, OwnResource, Url, WeightFile
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
        name="faceprint-parser",
        kind="parser",
        implementation="own",
        summary="Trained here on labels that nobody drew: skin, hair, eyes, nose, lips, hats, dark glasses.",
        files=(
            WeightFile(
                "faceprint-parser.onnx",
                "sha256:f7bae688ca74a5264b93fc8e6cedbafb44dc33af52543063c685ed31641e9752",
                1186739,
                (OwnResource("parse/weights/faceprint-parser.onnx"),),
            ),
        ),
        code_licence=APACHE,
        weights_licence=Licence("research only, as its training data", "forbidden"),
        data_licence=Licence("LFW: news photos without a licence, research only", "forbidden"),
        training_data=(
            "3,555 photos of LFW's peopleDevTrain, two of a person at most, labelled by MediaPipe's selfie "
            "segmentation and face mesh (Apache-2.0) and by colours; new weights"
        ),
        paper=(
            "Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015"
        ),
        input_size_px=160,
        mean=(127.5, 127.5, 127.5),
        std=(64.0, 64.0, 64.0),
        alignment="head-160",
        precision="f32",
        outputs=(
            "background, skin, right brow, left brow, right eye, left eye, glasses, right ear, left ear, "
            "nose, mouth, upper lip, lower lip, neck, clothes, hair, hat"
        ),
    ),
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
