"""One interface over the engines that run networks, and the choice between them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from faceprint.errors import DeviceUnavailableError
from faceprint.runtime import onnxruntime, openvino
from faceprint.types import Array, FloatArray

__all__ = ["EngineStatus", "RuntimeOptions", "Session", "engines", "open_session"]

Engine = Literal["openvino", "onnxruntime"]
Precision = Literal["f32", "bf16"]


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """Where and how networks run.

    Attributes:
        engine: `auto`: ONNX Runtime for CUDA, else OpenVINO, else ONNX Runtime.
        device: `auto`: CUDA where ONNX Runtime has it, else the CPU.
        precision: `auto`: bf16 where the CPU computes in it natively, else f32.
        threads: How many calls run side by side, each on its own core; 0 for one per core.
        cache: Folder for compiled models, for quick starts; None for no cache.
    """

    engine: Literal["auto", "openvino", "onnxruntime"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "f32", "bf16"] = "auto"
    threads: int = 0
    cache: Path | None = field(default=None)

    @property
    def workers(self) -> int:
        """`threads`, with 0 resolved to the cores that this process may use."""
        return self.threads or usable_cores()


class Session(Protocol):
    """A loaded network. Safe to call from several threads."""

    @property
    def engine(self) -> Engine:
        """What runs it."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: `cpu` or `cuda`."""
        ...

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        ...

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        """Outputs in the order of the graph, each (N, …) float32, for one batch of inputs.

        Args:
            batch: (N, H, W, 3) uint8 RGB for prepared models, C-contiguous.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What an engine offers on this machine.

    Attributes:
        engine: Its name.
        version: None if it is not installed.
        devices: `cpu`, `cuda`.
        bf16: Whether the CPU computes in bfloat16 natively, as far as the engine tells.
        note: What to do where something is wrong; empty if nothing is.
    """

    engine: Engine
    version: str | None
    devices: tuple[str, ...]
    bf16: bool
    note: str


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def engines() -> tuple[EngineStatus, ...]:
    """What each engine offers on this machine."""
    return (
        EngineStatus("openvino", *openvino.probe()),
        EngineStatus("onnxruntime", *onnxruntime.probe()),
    )


def choose(options: RuntimeOptions) -> tuple[Engine, str, str]:
    """The engine and device for some options, and why.

    Raises:
        DeviceUnavailableError: What was asked for is not on this machine.
    """
    there = {status.engine: status for status in engines()}
    ort, vino = there["onnxruntime"], there["openvino"]
    if options.device == "cuda" and options.engine == "openvino":
        raise DeviceUnavailableError("OpenVINO does not run on CUDA: ask for onnxruntime or auto.")
    if options.device == "cuda" and "cuda" not in ort.devices:
        raise DeviceUnavailableError(
            "CUDA was asked for, but ONNX Runtime cannot use it here: "
            f"{ort.note or 'its CPU build is installed'}. Install the GPU build in place of the CPU "
            "one: pip uninstall onnxruntime; pip install 'faceprint[cuda]'"
        )
    if options.device != "cpu" and "cuda" in ort.devices and options.engine != "openvino":
        return "onnxruntime", "cuda", "ONNX Runtime sees a CUDA device"
    if options.engine != "onnxruntime" and vino.version is not None:
        return "openvino", "cpu", "fastest on CPUs" if options.engine == "auto" else "asked for"
    if options.engine != "openvino" and ort.version is not None:
        why = "asked for" if options.engine == "onnxruntime" else "OpenVINO is not installed"
        return "onnxruntime", "cpu", why
    wanted = "openvino" if options.engine == "openvino" else "onnxruntime"
    raise DeviceUnavailableError(
        f"{wanted} is not installed here. Install it (pip install "
        f"{'openvino' if wanted == 'openvino' else chr(39) + 'faceprint[ort]' + chr(39)}) or ask for auto."
    )


def choose_precision(
    options: RuntimeOptions, engine: Engine, *, sensitive: bool = False
) -> Precision:
    """The precision for some options on an engine.

    Raises:
        DeviceUnavailableError: bf16 was asked for and is not native here.
    """
    native = next(s.bf16 for s in engines() if s.engine == engine)
    if options.precision == "bf16" and not native:
        raise DeviceUnavailableError(
            f"bf16 was asked for, but {engine} has no native bf16 on this CPU. Ask for auto or f32."
        )
    return "bf16" if options.precision != "f32" and native and not sensitive else "f32"


def open_session(
    path: Path,
    options: RuntimeOptions,
    *,
    sensitive: bool = False,
    colour: Literal["RGB", "BGR"] = "RGB",
) -> Session:
    """Loads a network.

    Args:
        path: A prepared ONNX file, or the .xml of an OpenVINO model.
        options: Where and how it runs.
        sensitive: Whether lower precision costs this network accuracy: it then runs in f32.
        colour: For an OpenVINO model, the channel order that it was trained with; a prepared ONNX file
            has it built in.

    Raises:
        DeviceUnavailableError: What was asked for is not on this machine.
        ModelError: The engine cannot load the file.
    """
    if path.suffix == ".xml":
        engine, device = _engine_for_openvino_model(path, options), "cpu"
    else:
        engine, device, _ = choose(options)
    precision = choose_precision(options, engine, sensitive=sensitive)
    if engine == "openvino":
        return openvino.OpenVinoSession(
            path, precision=precision, workers=options.workers, cache=options.cache, colour=colour
        )
    return onnxruntime.OnnxRuntimeSession(path, device=device, workers=options.workers)


def _engine_for_openvino_model(path: Path, options: RuntimeOptions) -> Engine:
    if options.engine == "onnxruntime" or options.device == "cuda":
        raise DeviceUnavailableError(
            f"{path.stem} is an OpenVINO model, which only OpenVINO runs, on the CPU. "
            "Ask for runtime and device auto."
        )
    return choose(RuntimeOptions(engine="openvino", device="cpu"))[0]
