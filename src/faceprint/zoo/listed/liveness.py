"""Tests of liveness."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, Url, WeightFile
from faceprint.zoo.listed.terms import APACHE

__all__ = ["CARDS"]

_MINIVISION = (
    "https://raw.githubusercontent.com/minivision-ai/Silent-Face-Anti-Spoofing/"
    "b6d5f04ad78778917853b25c778acef6d5626d15/resources/anti_spoof_models"
)


def _minivision_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    return WeightFile(name, f"sha256:{digest}", size_bytes, (Url(f"{_MINIVISION}/{name}"),))


CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="minifasnet",
        kind="liveness",
        implementation="minifasnet",
        summary=(
            "MiniFASNet V2 and V1SE, averaged: a hint whether a face is a person's or a picture's, "
            "no protection."
        ),
        files=(
            _minivision_file(
                "2.7_80x80_MiniFASNetV2.pth",
                "a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
                1849453,
            ),
            _minivision_file(
                "4_0_0_80x80_MiniFASNetV1SE.pth",
                "84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
                1856130,
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated; photos, prints and screens that Minivision took with phones",
        paper="Minivision, Silent-Face-Anti-Spoofing, 2020",
        input_size_px=80,
        colour="BGR",
        precision="f32",
        extra="torch",
    ),
)
