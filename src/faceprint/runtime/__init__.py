"""One session interface over OpenVINO (CPUs) and ONNX Runtime (CUDA, and as the second choice)."""

from faceprint.runtime.session import (
    EngineStatus,
    RuntimeOptions,
    Session,
    choose,
    choose_precision,
    engines,
    open_session,
    usable_cores,
)

__all__ = [
    "EngineStatus",
    "RuntimeOptions",
    "Session",
    "choose",
    "choose_precision",
    "engines",
    "open_session",
    "usable_cores",
]
