"""A proxy before the S3 server that fails as stores and networks do, and counts what goes through it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

SLOW_DOWN = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>SlowDown</Code><Message>Too fast.</Message></Error>"
_OWN = {"connection", "content-length", "expect", "keep-alive", "transfer-encoding"}
_CHUNK_BYTES = 1 << 16
_CUT_FROM_BYTES = 2048


@dataclass
class S3Proxy:
    """A proxy that runs.

    Attributes:
        endpoint: its address, in the place of the server's.
        refuses: whether a request, told by its number from 0, is answered with 503.
        cuts: whether the connection is cut in the middle of an answer, told by the number of its request; only for
            answers long enough.
        requests: how many came.
        refused: how many of them were answered with 503.
        cut: how many answers were cut.
        read_bytes: how much content of objects went through.
        read: which objects that was of.
    """

    endpoint: str
    refuses: Callable[[int], bool] = lambda number: False
    cuts: Callable[[int], bool] = lambda number: False
    requests: int = 0
    refused: int = 0
    cut: int = 0
    read_bytes: int = 0
    read: set[str] = field(default_factory=set)

    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        """The environment of a client that comes through here."""
        return {**environment, "AWS_ENDPOINT_URL": self.endpoint}


@contextmanager
def proxy(endpoint: str) -> Iterator[S3Proxy]:
    """Run a proxy before a server."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    made = S3Proxy("")
    ended = asyncio.Event()

    async def serve() -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            application = web.Application(client_max_size=1 << 30)
            application.router.add_route("*", "/{path:.*}", lambda request: _handle(request, made, endpoint, session))
            runner = web.AppRunner(application, shutdown_timeout=1.0)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            made.endpoint = "http://127.0.0.1:{}".format(*runner.addresses[0][1:])
            started.set()
            await ended.wait()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(30)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


async def _handle(
    request: web.Request, made: S3Proxy, endpoint: str, session: aiohttp.ClientSession
) -> web.StreamResponse:
    number = made.requests
    made.requests += 1
    body = await request.read()
    if made.refuses(number):
        made.refused += 1
        return web.Response(status=503, content_type="application/xml", text=SLOW_DOWN)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
    target = URL(endpoint + request.raw_path, encoded=True)
    async with session.request(request.method, target, headers=headers, data=body, allow_redirects=False) as answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _OWN or name.lower() == "content-length":
                response.headers.add(name, value)
        await response.prepare(request)
        await _pass_on(request, answer, response, made, cuts=made.cuts(number))
        return response


async def _pass_on(
    request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse, made: S3Proxy, cuts: bool
) -> None:
    length = answer.content_length or 0
    is_object = request.method == "GET" and "etag" in answer.headers
    left = length // 2 if cuts and is_object and length >= _CUT_FROM_BYTES else None
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        piece = chunk if left is None else chunk[:left]
        await response.write(piece)
        if is_object:
            made.read_bytes += len(piece)
            made.read.add(request.path)
        if left is not None:
            left -= len(piece)
            if left <= 0:
                made.cut += 1
                assert request.transport is not None
                request.transport.abort()
                return
    await response.write_eof()
