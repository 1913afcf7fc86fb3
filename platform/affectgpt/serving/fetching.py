"""Fetches the clips that requests name by a URI, from where that is allowed and from nowhere else."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from affectgpt.clips.storage import open_source, stat_source, translated_errors
from affectgpt.errors import ClipError
from affectgpt.serving.addresses import is_public
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.settings import FetchingSection

logger = logging.getLogger("ray.serve")

_CHUNK_BYTES: Final = 1 << 18
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_HTTP: Final = {"http", "https"}


async def fetch(uri: str, target: Path, settings: FetchingSection, most_bytes: int) -> None:
    """Fetch a file.

    Scheme, host, port and address are checked for the URI and for each place that it redirects to; the connection is
    made to the very addresses that were checked.

    Args:
        uri: what a client named.
        target: the file to write.
        settings: what is allowed.
        most_bytes: how large the file may be.

    Raises:
        RefusedError: 403 where it may not be fetched from, 404 where nothing is, 413 where it is too large, 422 where
            it cannot be fetched, 504 where that takes too long.
    """
    url = checked(uri, settings)
    try:
        async with asyncio.timeout(settings.timeout_s):
            if url.scheme in _HTTP:
                await _fetch_http(url, target, settings, most_bytes)
            else:
                await _fetch_object(uri, target, most_bytes)
    except TimeoutError:
        raise RefusedError(
            504, "fetch-timeout", f"{uri} was not there within {settings.timeout_s:g} s; upload the clip"
        ) from None


def checked(uri: str, settings: FetchingSection) -> URL:
    """Take a URI apart, as it will be when it is fetched, and see that it may be fetched as far as its text tells.

    Raises:
        RefusedError: 403 or 422.
    """
    try:
        url = URL(uri)
    except ValueError as error:
        raise RefusedError(
            422, "bad-uri", f"{uri} is no URI ({error}); give one such as https://host/clip.mp4"
        ) from None
    if url.scheme not in settings.schemes:
        raise RefusedError(
            403, "scheme-not-allowed", f"{uri}: clips are fetched by {', '.join(settings.schemes)} only; upload it"
        )
    host = (url.raw_host or "").rstrip(".")
    if not host:
        raise RefusedError(422, "bad-uri", f"{uri} names no host; give one such as https://host/clip.mp4")
    if url.raw_user is not None or url.raw_password is not None:
        raise RefusedError(
            403, "credentials-in-uri", "the URI holds a user or a password; give a signed URL, or upload it"
        )
    if settings.hosts and host not in settings.hosts:
        raise RefusedError(403, "host-not-allowed", f"{host}: clips are not fetched from this host; upload it")
    if url.scheme in _HTTP:
        if url.port not in settings.ports:
            raise RefusedError(403, "port-not-allowed", f"{uri}: clips are not fetched from port {url.port}; upload it")
        # A literal address never reaches the resolver.
        if _is_literal(host) and not (settings.private or is_public(host)):
            raise _private(host)
    elif url.raw_query_string:
        raise RefusedError(
            403, "options-in-uri", f"{uri}: options of an object store are the service's own; leave them out"
        )
    return url


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses and refuses a name that has any other."""

    def __init__(self) -> None:
        self._inner = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name.

        Raises:
            RefusedError: 403, it has an address that is not public.
        """
        found = await self._inner.resolve(host, port, family)
        if not all(is_public(one["host"]) for one in found):
            raise _private(host)
        return found

    async def close(self) -> None:
        """Close what resolves."""
        await self._inner.close()


async def _fetch_http(url: URL, target: Path, settings: FetchingSection, most_bytes: int) -> None:
    resolver = None if settings.private else PublicResolver()
    async with (
        aiohttp.TCPConnector(resolver=resolver) as connector,
        aiohttp.ClientSession(
            connector=connector,
            # Neither a proxy nor a .netrc of this machine.
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
        ) as session,
    ):
        for _ in range(settings.redirects + 1):
            try:
                async with session.get(url, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await _save(url, response, target, most_bytes)
                    place = url.join(URL(response.headers.get("Location", "")))
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise RefusedError(
                    422, "unreachable", f"{url} could not be fetched: {error}; upload the clip"
                ) from error
            url = checked(str(place), settings)
    raise RefusedError(422, "too-many-redirects", f"{url}: more than {settings.redirects} redirects; give the last one")


async def _save(uri: URL, response: aiohttp.ClientResponse, target: Path, most_bytes: int) -> None:
    if response.status in {404, 410}:
        raise RefusedError(404, "not-found", f"{uri} does not exist; check its spelling")
    if response.status != 200:
        raise RefusedError(
            422, "unreachable", f"{uri} answers with the status {response.status}; give a URI that is open"
        )
    if (response.content_length or 0) > most_bytes:
        raise _too_large(uri, most_bytes)
    with target.open("wb") as file:
        async for chunk in _limited(uri, response.content.iter_chunked(_CHUNK_BYTES), most_bytes):
            await asyncio.to_thread(file.write, chunk)


async def _limited(uri: URL, chunks: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(uri, most_bytes)
        yield chunk


async def _fetch_object(uri: str, target: Path, most_bytes: int) -> None:
    left = Event()
    try:
        await asyncio.to_thread(_copy_object, uri, target, most_bytes, left)
    except ClipError as error:
        # What a store says names the service's own endpoint and credentials, which are for its log alone.
        logger.warning("an object could not be fetched: %s", error.reason, exc_info=error)
        raise _object_refusal(uri, error.reason) from error
    finally:
        left.set()


def _copy_object(uri: str, target: Path, most_bytes: int, left: Event) -> None:
    """Copy an object until nobody waits for it any more."""
    if stat_source(uri).size_bytes > most_bytes:
        raise _too_large(uri, most_bytes)
    with translated_errors(uri), open_source(uri) as source, target.open("wb") as file:
        while not left.is_set() and (chunk := source.read(_CHUNK_BYTES)):
            file.write(chunk)


def _object_refusal(uri: str, reason: str) -> RefusedError:
    if reason in {"not-found", "is-a-directory"}:
        return RefusedError(404, "not-found", f"{uri} does not exist; check its spelling")
    if reason == "access-denied":
        return RefusedError(403, reason, f"{uri}: the service may not read it; let it, or upload the clip")
    if reason == "empty-file":
        return RefusedError(422, reason, f"{uri} holds no bytes; copy it again from where it came from")
    return RefusedError(422, "unreachable", f"{uri} could not be fetched; upload the clip")


def _is_literal(host: str) -> bool:
    """Whether a host is written as an address, in any of the ways that the system's resolver understands."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


def _private(host: str) -> RefusedError:
    return RefusedError(
        403, "address-not-allowed", f"{host} lies in a private network; clips are fetched from public hosts"
    )


def _too_large(uri: URL | str, most_bytes: int) -> RefusedError:
    return RefusedError(413, "body-too-large", f"{uri} is larger than the {most_bytes:,} bytes that are allowed")
