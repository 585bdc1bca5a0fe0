"""Estimators of head pose."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, Url, WeightFile
from faceprint.zoo.listed.terms import APACHE, MIT

__all__ = ["CARDS"]

_FSANET = (
    "https://raw.githubusercontent.com/omasaht/headpose-fsanet-pytorch/"
    "002549c981b607f722e0810d999afcde7e5aaa66/pretrained"
)


def _fsanet_file(network: str, digest: str, size_bytes: int) -> WeightFile:
    name = f"fsanet-{network}-iter-688590.onnx"
    return WeightFile(name, f"sha256:{digest}", size_bytes, (Url(f"{_FSANET}/{name}"),))


CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="landmarks",
        kind="pose",
        implementation="landmarks",
        summary="The turn of a mean face that fits the five landmarks best; the default.",
        files=(),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=Licence("no data but averages of landmarks", "allowed"),
        training_data="None; the mean face has the average proportions of landmarks on LFW photos",
        paper="DeMenthon, Davis, Model-Based Object Pose in 25 Lines of Code, IJCV 1995",
    ),
    ModelCard(
        name="fsanet",
        kind="pose",
        implementation="fsanet",
        summary="FSA-Net, two networks averaged: pose from the pixels, with no need of landmarks.",
        files=(
            _fsanet_file(
                "1x1", "d85e90cb4b9d3a87e81bbfdcfcd130cbe0e175407042e439a570aa396c44eda6", 1247488
            ),
            _fsanet_file(
                "var", "2877b1db98e3dc66468e90df8db4a21059facd1c3f107af91c6d4fe6476a03e1", 1246963
            ),
        ),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=Licence("300W-LP terms: research only", "forbidden"),
        training_data="300W-LP: AFW, HELEN, IBUG and LFPW with faces turned by a 3-D model",
        paper=(
            "Yang et al., FSA-Net: Learning Fine-Grained Structure Aggregation for Head Pose "
            "Estimation From a Single Image, CVPR 2019"
        ),
        input_size_px=64,
        colour="BGR",
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        precision="f32",  # angles are regressed
    ),
)
