"""More of dlib: its second detector and its landmarks."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard
from faceprint.zoo.listed.terms import BOOST, CC0, DLIB_MEAN, dlib_file

__all__ = ["CARDS", "FIVE_POINTS"]

_TREES_PAPER = (
    "Kazemi, Sullivan, One Millisecond Face Alignment with an Ensemble of Regression Trees, "
    "CVPR 2014"
)

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="dlib-cnn",
        kind="detector",
        implementation="dlib_cnn",
        summary="CNN detector of dlib: faces at many angles, boxes without landmarks; slow.",
        files=(
            dlib_file(
                "mmod_human_face_detector.dat",
                "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
                729940,
            ),
        ),
        code_licence=BOOST,
        weights_licence=CC0,
        data_licence=Licence(
            "AFLW, VGG-Face, WIDER FACE and FaceScrub terms: research only", "forbidden"
        ),
        training_data=(
            "Faces of ImageNet, AFLW, Pascal VOC, VGG-Face, WIDER FACE and FaceScrub, annotated by dlib's "
            "author"
        ),
        paper="King, Max-Margin Object Detection, arXiv 2015",
        mean=DLIB_MEAN,
        std=(256.0, 256.0, 256.0),
        precision="f32",
        extra="dlib",
    ),
    ModelCard(
        name="dlib-68",
        kind="landmarker",
        implementation="dlib_landmarks",
        summary="Five landmarks out of dlib's 68, for detectors that give only boxes.",
        files=(
            dlib_file(
                "shape_predictor_68_face_landmarks.dat",
                "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
                99693937,
            ),
        ),
        code_licence=BOOST,
        weights_licence=Licence(
            "CC0-1.0, but the publisher says that no commercial product may use it", "forbidden"
        ),
        data_licence=Licence("iBUG 300-W terms: no commercial use", "forbidden"),
        training_data="iBUG 300-W",
        paper=_TREES_PAPER,
        precision="f32",
        extra="dlib",
    ),
)

FIVE_POINTS = ModelCard(
    name="dlib-5",
    kind="landmarker",
    implementation="dlib_landmarks",
    summary="dlib's five points: the corners of both eyes and the base of the nose.",
    files=(
        dlib_file(
            "shape_predictor_5_face_landmarks.dat",
            "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
            9150489,
        ),
    ),
    code_licence=BOOST,
    weights_licence=CC0,
    data_licence=Licence("photos from the internet, terms not stated", "undocumented"),
    training_data="7,198 faces from the internet, annotated by dlib's author",
    paper=_TREES_PAPER,
    precision="f32",
    extra="dlib",
)
"""Not among the cards: it knows no corners of the mouth, so it is no `Landmarker`."""
