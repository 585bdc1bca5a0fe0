"""What runs here, under which licences, and what the product refuses; the API described."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.web.access import PageVisitor
from faceprint.web.pages.render import render
from faceprint.web.state import state_of
from faceprint.zoo import card

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_METHODS = ("get", "post", "patch", "delete")


@router.get("/about")
async def about_page(request: Request, visitor: PageVisitor) -> Response:
    """Models, licences, limits, privacy."""
    settings = state_of(request).engine.settings
    models = [card(settings.detector), card(settings.embedder)]
    return render(request, visitor, "about.html", page="about", models=models)


@router.get("/api/docs")
async def api_page(request: Request, visitor: PageVisitor) -> Response:
    """The API described from its own OpenAPI document, with nothing loaded from elsewhere."""
    document: dict[str, Any] = request.app.openapi()
    return render(
        request,
        visitor,
        "api.html",
        page="about",
        operations=_operations(document),
        schemas=document["components"]["schemas"],
    )


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
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
            "answer": _schema_name(operation["responses"]["200"].get("content", {})),
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]


def _form_schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("multipart/form-data", {}).get("schema", {})
    return schema


def _json_name(operation: dict[str, Any]) -> str:
    return _schema_name(operation.get("requestBody", {}).get("content", {}))


def _schema_name(content: dict[str, Any]) -> str:
    schema = content.get("application/json", {}).get("schema", {})
    options = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    names = [one["$ref"].rpartition("/")[2] for one in options if "$ref" in one]
    return " or ".join(names) or str(schema.get("title", ""))
