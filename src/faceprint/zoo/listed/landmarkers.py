"""Landmarkers."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard
from faceprint.zoo.listed.terms import APACHE, MIT, MTCNN_PAPER, mtcnn_file, open_model_zoo_file

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        name="onet",
        kind="landmarker",
        implementation="onet_landmarks",
        summary="Last network of MTCNN: five landmarks, for detectors that give only boxes.",
        files=(
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
        input_size_px=48,
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        precision="f32",
    ),
    ModelCard(
        name="retail-0009",
        kind="landmarker",
        implementation="retail0009",
        summary="Five landmarks in a face crop, for detectors that give only boxes.",
        files=(
            open_model_zoo_file(
                "2023.0/models_bin/1/landmarks-regression-retail-0009/FP16/"
                "landmarks-regression-retail-0009.xml",
                "393eda465df2a886f7edd932e2f1cd6930ae91f85708f91b4cd60e411acfb86e"
                "9de9e083907901208e9e8af639846572",
                66508,
            ),
            open_model_zoo_file(
                "2023.0/models_bin/1/landmarks-regression-retail-0009/FP16/"
                "landmarks-regression-retail-0009.bin",
                "0e6e830387f56783de313e0f7022b7808fd2e9e0b28b411a65608e2c1df0bcf9"
                "39c65fb699fc51868df30232d6308515",
                381232,
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated by the publisher",
        paper="Open Model Zoo, landmarks-regression-retail-0009",
        input_size_px=48,
        colour="BGR",
        precision="f32",
    ),
)
