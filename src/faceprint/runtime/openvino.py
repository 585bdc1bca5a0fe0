"""Networks on CPUs through OpenVINO."""

from __future__ import annotations

import importlib
import sys
import threading
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from faceprint.errors import ModelError
from faceprint.types import Array, FloatArray

if TYPE_CHECKING:
    import openvino as ov

__all__ = ["OpenVinoSession", "probe"]

_first_call = threading.Lock()
_core_lock = threading.Lock()


def _load() -> ModuleType:
    """OpenVINO without its telemetry.

    Left alone, importing it writes an id into the home folder and reports to an analytics service. It
    does without where its telemetry package is missing, so that is what it gets to see.
    """
    blocked = "openvino" not in sys.modules and "openvino_telemetry" not in sys.modules
    if blocked:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        if blocked:
            del sys.modules["openvino_telemetry"]


def _core() -> ov.Core:
    with _core_lock:
        return _only_core()


@lru_cache(maxsize=1)
def _only_core() -> ov.Core:
    return _load().Core()


@lru_cache(maxsize=1)
def probe() -> tuple[str | None, tuple[str, ...], bool, str]:
    """Version, devices, native bf16, and a note for people."""
    try:
        version: str = _load().__version__
    except ImportError as error:
        return None, (), False, f"not installed ({error})"
    capabilities = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return version.split("-")[0], ("cpu",), "BF16" in capabilities, ""


class OpenVinoSession:
    """A network compiled for the CPU, with one stream per worker."""

    engine: Literal["openvino"] = "openvino"
    device = "cpu"

    def __init__(
        self,
        path: Path,
        *,
        precision: Literal["f32", "bf16"],
        workers: int,
        cache: Path | None,
        colour: Literal["RGB", "BGR"],
    ) -> None:
        self.precision = precision
        settings: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": workers,
            "INFERENCE_NUM_THREADS": workers,
            # Detector and embedder have streams of their own, which pinning would put on one core.
            "ENABLE_CPU_PINNING": False,
        }
        if cache is not None:
            settings["CACHE_DIR"] = str(cache / "openvino")
        try:
            model: ov.Model | Path = _take_pixels(path, colour) if path.suffix == ".xml" else path
            self._model = _core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot load {path}: {str(error).splitlines()[0]}. If the file was damaged, "
                "delete it: it is made again."
            ) from error
        self._local = threading.local()

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        """Outputs in the order of the graph; see `Session`."""
        request = getattr(self._local, "request", None)
        if request is not None:
            return self._infer(request, batch)
        # The binding fills static tables at its first call and deadlocks with the interpreter's lock
        # when two threads make that call at once.
        with _first_call:
            self._local.request = self._model.create_infer_request()
            return self._infer(self._local.request, batch)

    @staticmethod
    def _infer(request: ov.InferRequest, batch: Array) -> tuple[FloatArray, ...]:
        results: tuple[FloatArray, ...] = request.infer([batch], share_inputs=True).to_tuple()
        return results


def _take_pixels(path: Path, colour: Literal["RGB", "BGR"]) -> ov.Model:
    """An OpenVINO model with (N, H, W, 3) uint8 RGB in front, as prepared ONNX files have."""
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    model = _core().read_model(path)
    shape = model.input().partial_shape
    shape[0] = -1
    model.reshape(shape)
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC")).set_color_format(
        ColorFormat.RGB
    )
    steps.input().model().set_layout(Layout("NCHW"))
    if colour == "BGR":
        steps.input().preprocess().convert_color(ColorFormat.BGR)
    steps.input().preprocess().convert_element_type(Type.f32)
    return steps.build()
