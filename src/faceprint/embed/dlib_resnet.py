"""dlib's face recognition network, as the package face_recognition uses it.

King, "High Quality Face Recognition with Deep Metric Learning", dlib.net 2017; the architecture is
a ResNet-34 with fewer layers (He et al., CVPR 2016). Weights: CC0; trained on FaceScrub, VGG-Face
and photos from the internet (research only).

The network is taken out of dlib's file and runs like all others, several times as fast as in dlib.
"""

from __future__ import annotations

from pathlib import Path

from faceprint.embed.network import NetworkEmbedder
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.dlib_files import read_layers

__all__ = ["build"]


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> NetworkEmbedder:
    """The network of the card.

    dlib compares by Euclidean distance and leaves the length of its vectors free; here they are
    scaled to length 1, like all embeddings, and their own lengths are given beside them.

    Raises:
        MissingExtraError: The package of its weights is not installed.
        WeightsCorruptError: The file is not that network.
    """

    def make(files: tuple[Path, ...]) -> bytes:
        # Reading ONNX takes a quarter of a second to import, and is needed once.
        from faceprint.embed.dlib_network import build_graph

        return build_graph(read_layers(files[0].read_bytes(), name=files[0].name), card)

    path = store.made(card, f"r{card.revision}.onnx", make)
    # In bf16, distances move by more than face_recognition's users may expect of equal photos.
    session = open_session(path, options, sensitive=True)
    return NetworkEmbedder(card, session, flip=flip)
