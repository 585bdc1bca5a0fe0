"""The cascade of Viola and Jones that faceprint trained and comes with."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, OwnResource, WeightFile

__all__ = ["CARDS"]

_RESEARCH = Licence("research only, as its training data", "forbidden")

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="viola-jones",
        kind="detector",
        implementation="viola_jones",
        summary="The classic of 2001, trained here: upright frontal faces, boxes without landmarks.",
        files=(
            WeightFile(
                "viola-jones.json",
                "sha256:b01586a7dbbf664f9dfd60a7283711aa6bd1443c7d0504be41f24efb296aa7b2",
                213455,
                (OwnResource("detect/weights/viola-jones.json"),),
            ),
        ),
        code_licence=Licence("Apache-2.0", "allowed"),
        weights_licence=_RESEARCH,
        data_licence=Licence("LFW: news photos without a licence, research only", "forbidden"),
        training_data="Frontal faces in 5,314 photos of LFW (peopleDevTrain), found by YuNet and O-Net, and "
        "45 photos without frontal faces; the training part of its recipe's split",
        paper="Viola, Jones, Robust Real-Time Face Detection, IJCV 2004",
    ),
)
"""All of them."""
