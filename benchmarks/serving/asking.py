"""Clients of the service: many at a time, and what each of them got."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

TIMEOUT_S = 120.0
NO_ANSWER = 0
"""What stands for the status of a request that got none."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A request as it is sent, so that writing it costs the clients no time.

    Attributes:
        body: the form.
        headers: what says that it is one.
    """

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request.

    Attributes:
        status: that of HTTP, or ``NO_ANSWER``.
        began: when it was sent, on the clock ``time.perf_counter``.
        seconds: until all of the answer was there.
        answer: its JSON.
        headers: those of the answer.
    """

    status: int
    began: float
    seconds: float
    answer: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> float:
        """When the answer was there."""
        return self.began + self.seconds


def upload(clip: Path, **fields: str) -> Upload:
    """Write the request that uploads a clip."""
    form = httpx2.Request("POST", "http://x/", files={"file": (clip.name, clip.read_bytes())}, data=fields)
    return Upload(form.read(), {"Content-Type": form.headers["Content-Type"]})


async def ask(client: httpx2.AsyncClient, wanted: Upload) -> Reply:
    """Send a request and wait for its answer."""
    began = time.perf_counter()
    try:
        got = await client.post("/v1/describe", content=wanted.body, headers=wanted.headers)
    except httpx2.HTTPError as error:
        return Reply(NO_ANSWER, began, time.perf_counter() - began, {"error": {"type": type(error).__name__}})
    seconds = time.perf_counter() - began
    return Reply(got.status_code, began, seconds, json.loads(got.content), dict(got.headers))


async def ask_all(
    url: str, wanted: Sequence[Upload], concurrency: int, replies: list[Reply] | None = None
) -> list[Reply]:
    """Send requests, so many at a time: each client sends its next one when the answer to the last is there.

    Args:
        url: of the service.
        wanted: the requests.
        concurrency: how many clients there are.
        replies: where the replies are put as they come; they are also returned.
    """
    replies = [] if replies is None else replies
    queue = iter(wanted)

    async def client_of_its_own() -> None:
        async with new_client(url) as client:
            for one in queue:
                replies.append(await ask(client, one))

    await asyncio.gather(*(client_of_its_own() for _ in range(concurrency)))
    return replies


def new_client(url: str) -> httpx2.AsyncClient:
    """A client that waits as long as the service may take."""
    return httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_S)


def clips_per_s(replies: Sequence[Reply]) -> float:
    """Requests that were answered in a second, from the first one to the last answer."""
    span_s = max(reply.ended for reply in replies) - min(reply.began for reply in replies)
    return sum(reply.status == 200 for reply in replies) / span_s
