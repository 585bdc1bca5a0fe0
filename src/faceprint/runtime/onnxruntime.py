"""Networks through ONNX Runtime: on CUDA, and on CPUs where OpenVINO is missing."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from faceprint.errors import DeviceUnavailableError, ModelError
from faceprint.types import Array, FloatArray

__all__ = ["OnnxRuntimeSession", "probe"]


@lru_cache(maxsize=1)
def probe() -> tuple[str | None, tuple[str, ...], bool, str]:
    """Version, devices, native bf16 (never used here), and a note for people."""
    builds = [name for name in ("onnxruntime", "onnxruntime-gpu") if _installed(name)]
    note = ""
    if len(builds) == 2:
        note = (
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
            "pip uninstall both, then install faceprint[ort] or faceprint[cuda]"
        )
    try:
        import onnxruntime
    except ImportError as error:
        return None, (), False, note or f"not installed ({error})"
    cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if cuda and not _has_cuda_device():
        cuda = False
        note = note or "its GPU build is installed, but there is no CUDA device or driver"
    return onnxruntime.__version__, ("cpu", "cuda") if cuda else ("cpu",), False, note


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _has_cuda_device() -> bool:
    """Whether the CUDA driver is there and counts a device; the GPU build itself does not tell."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return False
    count = ctypes.c_int(0)
    counted = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return bool(counted and count.value > 0)


class OnnxRuntimeSession:
    """A network in ONNX Runtime, in float32."""

    engine: Literal["onnxruntime"] = "onnxruntime"
    precision: Literal["f32"] = "f32"

    def __init__(self, path: Path, *, device: str, workers: int) -> None:
        import onnxruntime as ort

        self.device = device
        options = ort.SessionOptions()
        # Workers call side by side: threads inside a call would only fight over the cores.
        options.intra_op_num_threads = 1 if device == "cpu" and workers > 1 else 0
        options.log_severity_level = 3
        provider = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
        try:
            self._session = ort.InferenceSession(str(path), options, providers=[provider])
        except Exception as error:
            raise ModelError(
                f"ONNX Runtime cannot load {path}: {error}. If the file was damaged, delete it: it is "
                "made again."
            ) from error
        if provider not in self._session.get_providers():
            raise DeviceUnavailableError(
                f"ONNX Runtime could not start {provider}, and running on the CPU instead was not "
                "asked for. Check the CUDA and cuDNN libraries, or ask for device cpu."
            )
        self._input = self._session.get_inputs()[0].name
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        """Outputs in the order of the graph; see `Session`."""
        return tuple(self._session.run(self._names, {self._input: batch}))
