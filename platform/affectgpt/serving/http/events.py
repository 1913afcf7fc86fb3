"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse


def event(data: dict[str, Any] | str, name: str | None = None) -> str:
    """Write one event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


def event_stream(events: AsyncIterator[str]) -> StreamingResponse:
    """Answer by events, which no proxy may hold back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


class Deltas:
    """Turns a text that grows into what is new of it each time."""

    def __init__(self) -> None:
        self._sent = ""

    def new(self, text: str) -> str:
        """Give what a text has that was not given before; nothing where its beginning has changed."""
        if not text.startswith(self._sent):
            return ""
        new, self._sent = text[len(self._sent) :], text
        return new
