"""The localiser that faceprint trained and comes with; docs/training.md has the command that made it."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, OwnResource, WeightFile

__all__ = ["CARDS"]

_RESEARCH = Licence("research only, as its training data", "forbidden")

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="localizer",
        kind="detector",
        implementation="localizer",
        summary="Trained here from scratch: the one face of a photo, as before a webcam; no landmarks.",
        files=(
            WeightFile(
                "localizer.onnx",
                "sha256:a54ce350cae1012ae077ae4448fd5c89bbdfddcc602e29d98c4163580a66f3a9",
                2441543,
                (OwnResource("detect/weights/localizer.onnx"),),
            ),
        ),
        code_licence=Licence("Apache-2.0", "allowed"),
        weights_licence=_RESEARCH,
        data_licence=Licence(
            "LFW: news photos without a licence; Kaggle face mask detection: undocumented; research only",
            "forbidden",
        ),
        training_data="7,333 faces in 5,691 photos of LFW (peopleDevTrain, found by YuNet and O-Net), of "
        "Kaggle face mask detection (labelled), and without faces; the training part of its recipe's split",
        paper="Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
        "ICLR 2015",
        input_size_px=96,
        mean=(127.5, 127.5, 127.5),
        std=(64.0, 64.0, 64.0),
        precision="f32",
    ),
)
"""All of them."""
