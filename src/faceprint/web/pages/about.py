"""What runs here, under which licences, and what the product refuses; the API described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.match import Calibration
from faceprint.pipeline.decide import search_threshold
from faceprint.pipeline.facade import Faceprint
from faceprint.types import Threshold
from faceprint.web.access import PageVisitor
from faceprint.web.api.contract import document
from faceprint.web.pages.render import render
from faceprint.web.state import state_of
from faceprint.web.views import models_in_use

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_COMPARE_FMR = 1e-3
_NAME_FPIR = 0.01
_METHODS = ("get", "post", "patch", "delete")


@router.get("/about")
async def about_page(request: Request, visitor: PageVisitor) -> Response:
    """Models, licences, limits, privacy."""
    state = state_of(request)
    engine = state.engine
    attributes = state.options.attributes
    models = await state.gallery_work.run(models_in_use, engine, attributes=attributes)
    limits = await state.gallery_work.run(_limits, engine)
    return render(
        request,
        visitor,
        "about.html",
        page="about",
        models=models,
        limits=limits,
        keep_days=state.options.keep_jobs_days,
        attributes=attributes,
    )


@router.get("/api/docs")
async def api_page(request: Request, visitor: PageVisitor) -> Response:
    """The API described from its own OpenAPI document, with nothing loaded from elsewhere."""
    described = document(request.app)
    return render(
        request,
        visitor,
        "api.html",
        page="about",
        operations=_operations(described),
        schemas=described["components"]["schemas"],
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    calibration: Calibration
    faces: int
    compare: Threshold
    name: Threshold | None


def _limits(engine: Faceprint) -> _Limits | None:
    calibration = engine.models.calibration
    if calibration is None:
        return None
    faces = engine.gallery.template_count(engine.model_id)
    return _Limits(
        calibration=calibration,
        faces=faces,
        compare=calibration.threshold(_COMPARE_FMR),
        name=search_threshold(calibration, fpir=_NAME_FPIR, templates=faces),
    )


def _operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "method": method.upper(),
            "path": path,
            "tag": operation["tags"][0],
            "description": operation["description"],
            "parameters": operation.get("parameters", []),
            "fields": _form_schema(operation).get("properties", {}),
            "required": _form_schema(operation).get("required", []),
            "json": _json_name(operation),
            "answer": _schema_name(_success(operation).get("content", {})),
        }
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]


def _form_schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("multipart/form-data", {}).get("schema", {})
    return schema


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, dict[str, Any]] = operation["responses"]
    return next(answer for status, answer in answers.items() if status.startswith("2"))


def _json_name(operation: dict[str, Any]) -> str:
    return _schema_name(operation.get("requestBody", {}).get("content", {}))


def _schema_name(content: dict[str, Any]) -> str:
    schema = content.get("application/json", {}).get("schema", {})
    options = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    names = [one["$ref"].rpartition("/")[2] for one in options if "$ref" in one]
    return " or ".join(names) or str(schema.get("title", ""))
