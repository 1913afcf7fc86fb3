"""The HTTP application: routes, errors, and what surrounds every request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

import affectgpt
from affectgpt.serving.admission import Admission
from affectgpt.serving.http import chat, describe, docs, health, models, page
from affectgpt.serving.http.errors import add_error_handlers
from affectgpt.serving.http.middleware import Surround
from affectgpt.serving.keys import Keyring, read_keys
from affectgpt.serving.metrics import IngressMetrics
from affectgpt.serving.service import Service


def create_app(service: Service, names_requests: bool = False) -> FastAPI:
    """Put the application together.

    Args:
        service: what answers.
        names_requests: whether nobody before has given requests an id and its header to answers, as Ray Serve does.

    Raises:
        RequestError: the keys cannot be read.
    """

    @asynccontextmanager
    async def started(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        service.close()

    recipe, metrics = service.settings.recipe, IngressMetrics()
    app = FastAPI(
        title="AffectGPT",
        summary="Describes how people in clips feel, by which clues, and names the emotions.",
        version=affectgpt.__version__,
        lifespan=started,
        # Those of FastAPI load their scripts from other hosts.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.metrics = metrics
    app.state.keyring = Keyring(read_keys(recipe.keys), recipe.keys)
    app.state.admission = Admission(recipe.limits.requests, metrics.held)
    for part in (describe, chat, models, health, docs, page):
        app.include_router(part.router)
    add_error_handlers(app)
    if recipe.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=recipe.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    app.add_middleware(Surround, metrics=metrics, names_requests=names_requests)
    return app
