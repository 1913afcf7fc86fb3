"""What a route knows of the request that it answers."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request

from affectgpt.serving.admission import Admission
from affectgpt.serving.http.errors import failure_of
from affectgpt.serving.keys import Keyring
from affectgpt.serving.metrics import IngressMetrics
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Service

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in.

    Attributes:
        service: what answers it.
        metrics: what measures it.
        request_id: what the answer, its header and the log have in common.
        notes: what else the log says of it.
    """

    service: Service
    metrics: IngressMetrics
    request_id: str
    notes: MutableMapping[str, Any]

    def failure(self, error: Exception) -> RefusedError:
        """Say what a client needs to know of an error that came after its answer had begun, and let the log say so."""
        refusal = failure_of(error)
        self.notes["reason"] = refusal.reason
        return refusal

    async def in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Do a piece of work in the time that a request may take.

        Raises:
            RefusedError: 504, it takes longer.
        """
        async with self.deadline():
            return await work

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Let the context last as long as a request may take; what runs in it is cancelled then.

        Raises:
            RefusedError: 504, it takes longer.
        """
        within_s = self.service.limits.request_s
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError:
            raise RefusedError(
                504, "request-timeout", f"there was no answer within {within_s:g} s; come again"
            ) from None


async def authorised(request: Request) -> None:
    """Let a request pass that asks nothing of the model, if its key is known."""
    keyring: Keyring = request.app.state.keyring
    keyring.check(request.headers.get("authorization"))


async def visit(request: Request) -> AsyncIterator[Visit]:
    """Let a request in, and hold its place until its answer is sent, streamed ones included."""
    state = request.app.state
    keyring: Keyring = state.keyring
    admission: Admission = state.admission
    with keyring.admitted(request.headers.get("authorization")), admission.place():
        yield Visit(state.service, state.metrics, request.state.request_id, request.scope["state"])
