"""Whether the service is alive, and whether it is ready."""

from fastapi import APIRouter, Request

from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Service

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the service is alive."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(request: Request) -> dict[str, str]:
    """Say whether the model is loaded and warmed up; 503 before."""
    service: Service = request.app.state.service
    facts = await service.ready()
    if facts is None:
        raise RefusedError(503, "not-ready", "the model is being loaded; come again", retry_after_s=1.0)
    return {"status": "ready", "model": service.settings.recipe.name, "fingerprint": facts.fingerprint}
