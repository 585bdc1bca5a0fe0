"""FaceNet against facenet-pytorch 2.6.0, file by file: importing it needs what is not here.

The Makefile installs it without its dependencies, whose versions it wants old:
pip install --no-deps facenet-pytorch==2.6.0
"""

import importlib.util
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image as Pillow

from faceprint.align import crop_mtcnn_boxes
from faceprint.embed.inception_resnet_v1 import InceptionResnetV1
from faceprint.embed.network import unit
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Image
from faceprint.zoo import card
from faceprint.zoo.torch_graph import convert

CARD = card("facenet-vggface2")
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a file of facenet-pytorch under a made-up package, with stand-ins for what it imports."""
    try:
        files = metadata.distribution("facenet-pytorch")
    except metadata.PackageNotFoundError:
        pytest.skip("needs: pip install --no-deps facenet-pytorch==2.6.0")

    def stand_in(name: str, **contents: object) -> None:
        module = ModuleType(name)
        module.__dict__.update(contents)
        monkeypatch.setitem(sys.modules, name, module)

    for name in (
        "requests",
        "torchvision",
        "torchvision.transforms",
        "torchvision.ops",
        "reference",
    ):
        stand_in(name, functional=ModuleType("functional"), __path__=[])
    stand_in("requests.adapters", HTTPAdapter=None)
    stand_in("reference.utils", __path__=[])
    stand_in("reference.utils.download", download_url_to_file=None)
    stand_in("torchvision.ops.boxes", batched_nms=None)

    def found(path: str) -> ModuleType:
        name = f"reference.{Path(path).stem}"
        where = str(files.locate_file(f"facenet_pytorch/models/{path}"))
        spec = importlib.util.spec_from_file_location(name, where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return found


def crops(count: int, seed: int) -> Image:
    """Soft blotches: random colours of 6 by 6 fields, blown up."""
    fields = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    large = [np.asarray(Pillow.fromarray(f).resize((160, 160))) for f in fields]
    return np.stack(large)


def standardised(pixels: Image) -> torch.Tensor:
    values = (pixels.astype(np.float32) - 127.5) / 128
    return torch.from_numpy(values.transpose(0, 3, 1, 2).copy())


def randomise(network: torch.nn.Module) -> None:
    """Random weights whose outputs tell inputs apart: running statistics are those of some inputs."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.7, 1.3)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            module.momentum = None  # the mean over all batches seen, here one
        elif isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        network.train()(standardised(crops(16, seed=5)))
    network.eval()


def scored(vectors: npt.NDArray[np.float32]) -> float:
    """How far the embeddings of different inputs lie apart: the largest cosine of two of them."""
    return float((vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)].max())


def test_the_network_equals_theirs_in_torch_and_converted(load: Load, tmp_path: Path) -> None:
    theirs = load("inception_resnet_v1.py").InceptionResnetV1()
    randomise(theirs)
    ours = InceptionResnetV1()
    shapes = {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == shapes
    ours.load_state_dict(theirs.state_dict())
    pixels = crops(8, seed=6)
    with torch.no_grad():
        wanted = theirs(standardised(pixels)).numpy()
        found = unit(ours.eval()(standardised(pixels)).numpy())
    assert scored(wanted) < 0.9
    np.testing.assert_allclose(found, wanted, atol=1e-4)

    path = tmp_path / "network.onnx"
    path.write_bytes(convert(ours, CARD))
    for engine in ("openvino", "onnxruntime"):
        options = RuntimeOptions(engine=engine, precision="f32", device="cpu", threads=1)
        (converted,) = open_session(path, options).run(pixels)
        np.testing.assert_allclose(unit(converted), wanted, atol=1e-3)


BOXES = [
    (60.2, 40.9, 150.7, 170.1),
    (-8.5, 12.0, 70.0, 90.0),
    (150.0, 110.0, 260.0, 240.0),
    (100.3, 100.2, 112.9, 118.4),
    (-30.0, -20.0, 300.0, 300.0),
    (20.5, 30.5, 60.2, 180.9),
]


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_crops_and_their_standardisation_equal_theirs(
    box: tuple[float, ...], load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = load("utils/detect_face.py")
    # What torchvision makes of a float32 array: the same numbers, channels first.
    monkeypatch.setattr(
        theirs.F,
        "to_tensor",
        lambda array: torch.from_numpy(array).permute(2, 0, 1),
        raising=False,
    )
    noise = np.random.default_rng(2).integers(0, 256, (26, 24, 3), dtype=np.uint8)
    image = np.asarray(Pillow.fromarray(noise).resize((240, 220)))
    boxes = np.array([box], np.float32)
    face = theirs.extract_face(Pillow.fromarray(image), boxes[0].astype(float), 160, 14)
    ours = crop_mtcnn_boxes(image, boxes, size_px=160)
    np.testing.assert_array_equal(ours[0], face.permute(1, 2, 0).numpy())
    wanted = (face - 127.5) / 128.0  # fixed_image_standardization
    mean, std = (np.array(values, np.float32) for values in (CARD.mean, CARD.std))
    np.testing.assert_array_equal((ours[0] - mean) / std, wanted.permute(1, 2, 0).numpy())
