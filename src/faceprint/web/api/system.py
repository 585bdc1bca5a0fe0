"""Health, models, and the description of the API itself."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from faceprint import __version__
from faceprint.web.access import ApiVisitor
from faceprint.web.api.contract import ERRORS, document
from faceprint.web.api.schemas import HealthOut, ModelOut, ModelsOut
from faceprint.web.state import state_of
from faceprint.web.views import models_in_use
from faceprint.zoo import ModelCard

__all__ = ["router"]

router = APIRouter(tags=["system"])


@router.get("/api/v1/health")
async def health() -> HealthOut:
    """Says that the app answers; needs no key and tells nothing else."""
    return HealthOut(status="ok", version=__version__)


@router.get("/api/v1/models", responses=ERRORS)
async def list_models(request: Request, visitor: ApiVisitor) -> ModelsOut:
    """The models in use, their licences, and the model_id that ready embeddings need."""
    engine = state_of(request).engine
    model_id = await state_of(request).photo_work.run(lambda: engine.model_id)
    models = await state_of(request).photo_work.run(
        models_in_use, engine, attributes=state_of(request).options.attributes
    )
    return ModelsOut(model_id=model_id, models=[_model(one) for one in models])


@router.get("/api/openapi.json", include_in_schema=False)
async def openapi(request: Request, visitor: ApiVisitor) -> JSONResponse:
    """The API as an OpenAPI document."""
    return JSONResponse(document(request.app))


def _model(model: ModelCard) -> ModelOut:
    return ModelOut(
        name=model.name,
        kind=model.kind,
        summary=model.summary,
        training_data=model.training_data,
        code_licence=model.code_licence.name,
        weights_licence=model.weights_licence.name,
        data_licence=model.data_licence.name,
        paper=model.paper,
    )
