"""What surrounds every request: its id, its log line, its measure, and the headers that keep browsers careful."""

import logging
import uuid
from collections.abc import MutableMapping
from time import monotonic
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affectgpt.serving.http.errors import error_response, failure_of
from affectgpt.serving.metrics import IngressMetrics

logger = logging.getLogger("ray.serve")

_ID_HEADER: Final = "x-request-id"
_OFTEN: Final = ("/healthz", "/readyz")
_CLIENT_LEFT: Final = 499
"""What stands in the log for a request that nobody waited for, as in that of nginx."""


class Surround:
    """Gives a request an id and takes note of how it ends; never of what it holds."""

    def __init__(self, app: ASGIApp, metrics: IngressMetrics, names_requests: bool) -> None:
        """Set up.

        Args:
            app: what is surrounded.
            metrics: what measures.
            names_requests: whether nobody before has given requests an id and its header to answers.
        """
        self._app = app
        self._metrics = metrics
        self._names_requests = names_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = Headers(scope=scope).get(_ID_HEADER) or uuid.uuid4().hex
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        began, status = monotonic(), _CLIENT_LEFT

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
                if self._names_requests:
                    headers["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            refusal = failure_of(error)
            state["reason"] = refusal.reason
            if status != _CLIENT_LEFT:
                raise
            await error_response(refusal, scope["path"], request_id)(scope, receive, noting)
        finally:
            # The template of a route, not the path, which anybody may make up.
            route = getattr(scope.get("route"), "path", "none")
            seconds = monotonic() - began
            self._metrics.request(route, status, seconds)
            fields = {"route": route, "status": status, "seconds": round(seconds, 4), "reason": state.get("reason")}
            logger.log(logging.DEBUG if route in _OFTEN else logging.INFO, "request ended: %s", status, extra=fields)
