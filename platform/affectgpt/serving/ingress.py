"""The ingress worker: it answers HTTP, fetches and decodes, and asks the model workers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from ray.exceptions import RayActorError, TaskCancelledError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from affectgpt.inference.asking import Query
from affectgpt.serving.exchange import ModelFacts, Told
from affectgpt.serving.http.app import create_app
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Service
from affectgpt.serving.settings import Settings


class Ingress:
    """The HTTP application in a process of Ray Serve."""

    def __init__(self, settings: Settings, describer: "DeploymentHandle[Any]") -> None:
        """Take the settings and the way to the model workers."""
        self._settings = settings
        self._describer = describer

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Build the application, as Ray Serve asks for it."""
        return create_app(Service(self._settings, RemoteModel(self._describer)))


class RemoteModel:
    """The model workers, seen from an ingress."""

    def __init__(self, describer: "DeploymentHandle[Any]") -> None:
        """Take the way to them."""
        self._describer = describer

    async def facts(self) -> ModelFacts:
        """Say what is known of the model, waiting until one is loaded.

        Raises:
            RefusedError: 503 where no worker can be had.
        """
        with _refusals():
            facts: ModelFacts = await self._describer.facts.remote()
        return facts

    async def describe(self, query: Query) -> Told:
        """Describe a clip.

        Raises:
            RefusedError: 429 where too many wait, 503 where the worker is gone.
        """
        with _refusals():
            response = self._describer.describe.remote(query)
            try:
                told: Told = await response
            except asyncio.CancelledError:
                response.cancel()
                raise
        return told

    async def stream(self, query: Query) -> AsyncIterator[str | Told]:
        """Describe a clip and yield the text as it grows, and at last what is told.

        Raises:
            RefusedError: as in ``describe``.
        """
        with _refusals():
            pieces = self._describer.options(stream=True).stream.remote(query)
            try:
                async for piece in pieces:
                    yield piece
            finally:
                pieces.cancel()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except BackPressureError as error:
        raise RefusedError(429, "queue-full", "the model workers are busy; come again", retry_after_s=1.0) from error
    except (RayActorError, DeploymentUnavailableError, TaskCancelledError) as error:
        raise RefusedError(503, "worker-lost", "the model worker was lost; send it again", retry_after_s=1.0) from error
