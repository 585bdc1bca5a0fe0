"""The libraries of the comparison, what each needs, and a virtual environment for each."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

SCRIPTS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Peer:
    """One library of the comparison.

    Attributes:
        name: What people type, and the folder of its virtual environment.
        what: What of it is measured.
        score: How its vectors are compared: their cosine, or minus their distance.
        share: Of the photos, how many it gets; slow ones get fewer, from the front of the list.
        requirements: What pip installs for it; empty where faceprint's own interpreter runs it.
        bare_requirements: What pip installs without its dependencies.
        runs: The script in `peers/` that runs it, where it is not called as the peer is.
        arguments: Of the script, after the job.
    """

    name: str
    what: str
    score: Literal["cosine", "distance"] = "cosine"
    share: float = 1.0
    requirements: tuple[str, ...] = ()
    bare_requirements: tuple[str, ...] = ()
    runs: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        """The script that runs it."""
        name = self.runs or self.name
        plain = SCRIPTS / f"{name}.py"
        return plain if plain.exists() else SCRIPTS / f"{name}_.py"

    @property
    def pinned(self) -> str:
        """The version that is measured."""
        first = [*self.bare_requirements, *self.requirements, ""][0]
        return first.partition("==")[2] or version("faceprint")


PEERS = (
    Peer("faceprint", "embed_many, all defaults"),
    Peer("fusion", "embed_many, embedder fusion", runs="faceprint", arguments=("fusion",)),
    Peer("bound", "decode + YuNet + SFace, each alone on all cores"),
    Peer(
        "opencv",
        "FaceDetectorYN + FaceRecognizerSF",
        requirements=("opencv-python-headless==5.0.0.93", "numpy==2.4.6"),
    ),
    Peer(
        "deepface",
        "represent, yunet + SFace",
        share=0.5,
        # werkzeug is imported by DeepFace 0.0.103 and missing from its requirements.
        requirements=(
            "deepface==0.0.103",
            "opencv-contrib-python-headless==5.0.0.93",
            "onnxruntime==1.31.1",
            "numpy==2.4.6",
            "werkzeug",
        ),
    ),
    Peer(
        "face_recognition",
        "face_encodings, HOG + dlib ResNet",
        score="distance",
        share=0.2,
        # face_recognition asks for dlib, which pip would compile; dlib-bin is the same, built.
        requirements=(
            "dlib-bin==20.0.1.post1",
            "face_recognition_models==0.3.0",
            "numpy==2.4.6",
            "pillow==13.0.0",
            "click",
            "setuptools<82",
        ),
        bare_requirements=("face_recognition==1.3.0",),
    ),
    Peer(
        "uniface",
        "FaceAnalyzer, RetinaFace MobileNetV2 + EdgeFace XXS",
        requirements=(
            "uniface==4.2.1",
            "onnxruntime==1.31.1",
            "opencv-python==5.0.0.93",
            "numpy==2.4.6",
        ),
    ),
    Peer(
        "insightface",
        "FaceAnalysis, buffalo_l: detection + recognition",
        requirements=(
            "insightface==2.1",
            "onnxruntime==1.31.1",
            "opencv-python==5.0.0.93",
            "numpy==2.4.6",
        ),
    ),
)


def interpreter(peer: Peer, venvs: Path) -> Path:
    """The Python that runs a peer."""
    if not peer.requirements:
        return Path(sys.executable)
    return venvs / peer.name / ("Scripts" if os.name == "nt" else "bin") / "python"


def make_venv(peer: Peer, venvs: Path) -> None:
    """Makes the virtual environment of a peer, anew if there is one, and installs the peer."""
    python = str(interpreter(peer, venvs))
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venvs / peer.name)], check=True)
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *peer.requirements], check=True)
    if peer.bare_requirements:
        subprocess.run([*pip, "--no-deps", *peer.bare_requirements], check=True)
