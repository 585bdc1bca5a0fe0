"""Cards of the networks that faceprint trained and comes with.

They learnt from photos that were published for research: their terms forbid commercial use. docs/training.md
has the commands that made them.
"""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, OwnResource, WeightFile

__all__ = ["CARDS"]

_APACHE = Licence("Apache-2.0", "allowed")
_RESEARCH = Licence("research only, as its training data", "forbidden")


def _file(room: str, name: str, digest: str, size_bytes: int) -> WeightFile:
    source = OwnResource(f"{room}/weights/{name}")
    return WeightFile(name, f"sha256:{digest}", size_bytes, (source,))


_AGE_GENDER = ModelCard(
    name="faceprint-age-gender",
    kind="attributes",
    implementation="own",
    summary="Trained here: age as a distribution over years, with an interval, and gender as a face looks.",
    files=(
        _file(
            "attributes",
            "faceprint-age-gender.onnx",
            "1ca482e2fdaf76c40fc70a80f75f3d27079258112afdae5984471337f0996013",
            5651598,
        ),
        _file(
            "attributes",
            "faceprint-age-gender-attributes.json",
            "5d60a804c1826295a31bfa9e22c2997cff476302d5be3bfce40fc93e350e3cb8",
            269,
        ),
    ),
    code_licence=_APACHE,
    weights_licence=_RESEARCH,
    data_licence=Licence("UTKFace: non-commercial research", "forbidden"),
    training_data="8,006 photos of UTKFace, the training part of its recipe's split; new weights",
    paper="Geng, Yin, Zhou, Facial Age Estimation by Learning from Label Distributions, PAMI 2013; "
    "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
    input_size_px=80,
    mean=(127.5, 127.5, 127.5),
    std=(64.0, 64.0, 64.0),
    alignment="dlib-chip-padding-20",
    precision="f32",
    outputs="age:101 female:1",
)

_EMOTION = ModelCard(
    name="faceprint-emotion",
    kind="attributes",
    implementation="own",
    summary="Trained here on few photos: which of seven emotions a face looks like, as a distribution.",
    files=(
        _file(
            "attributes",
            "faceprint-emotion.onnx",
            "febec6578eac7f02a7b2fe58caa0eb23a2a6306a2431525fed6a3f46f188f4d5",
            3159002,
        ),
        _file(
            "attributes",
            "faceprint-emotion-attributes.json",
            "c275187e6c317364671c9dc4da1644d63a0be90acbb23fee0f2422b78ff609a2",
            296,
        ),
    ),
    code_licence=_APACHE,
    weights_licence=_RESEARCH,
    data_licence=Licence("FER2013: photos without a licence, research only", "forbidden"),
    training_data="2,745 photos of FER2013, the training part of its recipe's split; new weights",
    paper="Goodfellow et al., Challenges in Representation Learning, ICONIP 2013; He et al., Deep "
    "Residual Learning for Image Recognition, CVPR 2016",
    input_size_px=48,
    mean=(127.5, 127.5, 127.5),
    std=(64.0, 64.0, 64.0),
    alignment="dlib-chip-padding-20",
    precision="f32",
    outputs="emotion:7",
)

CARDS: tuple[ModelCard, ...] = (_AGE_GENDER, _EMOTION)
"""All of them."""
