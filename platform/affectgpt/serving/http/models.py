"""``/v1/models``: which model is served, as clients of OpenAI's protocol ask for it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from affectgpt.serving.http.context import authorised
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Service

router = APIRouter(prefix="/v1/models", tags=["OpenAI"], dependencies=[Depends(authorised)])


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


@router.get("")
async def models(service: Annotated[Service, Depends(_service)]) -> dict[str, Any]:
    """List the one model."""
    return {"object": "list", "data": [await _model(service)]}


@router.get("/{name:path}")
async def model(name: str, service: Annotated[Service, Depends(_service)]) -> dict[str, Any]:
    """Say what is known of the model."""
    check_name(name, service)
    return await _model(service)


def check_name(name: str, service: Service) -> None:
    """See that a request names the model that is served.

    Raises:
        RefusedError: 404, it names another.
    """
    served = service.settings.recipe.name
    if name != served:
        raise RefusedError(404, "model_not_found", f"the model {name} is not served here; name {served}")


async def _model(service: Service) -> dict[str, Any]:
    facts = await service.facts()
    return {
        "id": service.settings.recipe.name,
        "object": "model",
        "created": facts.loaded,
        "owned_by": "affectgpt",
        "fingerprint": facts.fingerprint,
        "trained_on": facts.trained_on,
    }
