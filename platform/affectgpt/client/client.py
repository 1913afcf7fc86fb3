"""A running service, seen from Python."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final, Self, TypeVar, Unpack

import httpx2
from pydantic import BaseModel, Field, ValidationError

from affectgpt.client.answer import Answer, FoundClip, ServedModel
from affectgpt.client.errors import ServiceError, no_response, refusal_of
from affectgpt.client.wishes import PathLike, Wishes, form_of
from affectgpt.clips.sources import media_suffix
from affectgpt.clips.storage import open_source, split_uri, translated_errors
from affectgpt.errors import RequestError

KEY_VARIABLE: Final = "AFFECTGPT_API_KEY"
_CONNECT_S: Final = 10.0
_SHORTEST_WAIT_S: Final = 0.1
_KEPT_OPEN_S: Final = 2.0
"""Shorter than servers keep idle connections, so that none is used that the other side has just closed."""

Read = TypeVar("Read", bound=BaseModel)


class _Listed(BaseModel):
    id: str
    fingerprint: str
    trained_on: dict[str, str] = Field(default_factory=dict)


class _Models(BaseModel):
    data: tuple[_Listed]


class Client:
    """Sends clips to a service and reads its answers; threads may share one.

    ``Client("http://host:8000").describe("clip.mp4", subtitle="You lied to me!").description``

    A request that the service turns away with ``Retry-After`` is sent again when that time is over; nothing else is.
    """

    def __init__(
        self, url: str, key: str | None = None, *, patience_s: float = 120.0, timeout_s: float = 600.0
    ) -> None:
        """Set up; nothing is sent yet.

        Args:
            url: where the service is, for example ``http://host:8000``.
            key: who asks; without it the environment variable ``AFFECTGPT_API_KEY`` is read, and where that is not set
                no key is sent.
            patience_s: how long one request may wait in all where the service says to come again.
            timeout_s: how long the service may say nothing.

        Raises:
            RequestError: the URL is none of a service, or the key none that can be sent.
        """
        self.url = _checked(url)
        self._patience_s = patience_s
        self._closed = Event()
        self._http = httpx2.Client(
            base_url=self.url,
            headers=_key_header(os.environ.get(KEY_VARIABLE, "") if key is None else key),
            timeout=httpx2.Timeout(timeout_s, connect=_CONNECT_S),
            limits=httpx2.Limits(max_connections=None, keepalive_expiry=_KEPT_OPEN_S),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; requests that wait to be sent again end."""
        self._closed.set()
        self._http.close()

    def describe(self, clip: PathLike, **wishes: Unpack[Wishes]) -> Answer:
        """Let the model describe a clip.

        Args:
            clip: a path or URI, which is read here and sent.
            **wishes: ``subtitle``, ``question``, ``language``, ``max_tokens``, ``temperature``; see ``Wishes``.

        Raises:
            ClipError: the clip or the subtitle file beside it cannot be read.
            ServiceError: there is no answer.
        """
        response = self._sent(os.fspath(clip), form_of(clip, wishes))
        with self._connected():
            content = response.read()
        return self._read(Answer, content)

    def stream(self, clip: PathLike, **wishes: Unpack[Wishes]) -> Iterator[FoundClip | str | Answer]:
        """Let the model describe a clip, and follow it.

        Args:
            clip: a path or URI, which is read here and sent.
            **wishes: as in ``describe``.

        Yields:
            What was found in the clip, each new piece of the description as it is written, and at last the answer.
            The service stops writing for whoever stops reading.

        Raises:
            ClipError: the clip or the subtitle file beside it cannot be read.
            ServiceError: there is no answer, or it broke off.
        """
        response = self._sent(os.fspath(clip), form_of(clip, wishes) | {"stream": "true"})
        try:
            for event in self._events(response):
                if event.event == "clip":
                    yield self._read(FoundClip, event.data)
                elif event.event == "text":
                    yield str(json.loads(event.data)["text"])
                elif event.event == "error":
                    error = json.loads(event.data)["error"]
                    raise ServiceError(response.status_code, error["type"], error["message"], error["request_id"])
                elif event.event == "done":
                    yield self._read(Answer, event.data)
                    return
        finally:
            response.close()
        raise ServiceError(None, "connection-lost", f"the answer of {self.url} broke off; ask again")

    def model(self) -> ServedModel:
        """Say which model is served, waiting until it is loaded.

        Raises:
            ServiceError: there is no answer; with the status 401, the key is missing or unknown.
        """
        self._accepted("readyz")
        [model] = self._read(_Models, self._accepted("v1/models").content).data
        return ServedModel(name=model.id, fingerprint=model.fingerprint, trained_on=model.trained_on)

    def is_alive(self) -> bool:
        """Whether the service answers at all."""
        try:
            with self._connected():
                return self._http.get("healthz").is_success
        except ServiceError:
            return False

    def _read(self, kind: type[Read], content: str | bytes) -> Read:
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise ServiceError(
                200, "unknown-answer", f"{self.url} does not answer as this client knows it ({what}); name a service"
            ) from error

    def _sent(self, uri: str, fields: dict[str, str]) -> httpx2.Response:
        """Upload a clip until the service takes it, and return the response, which is not read yet."""
        left_s = self._patience_s
        # A name that says nothing of the one who asks; of the suffix the service sees what kind of file it is.
        name = f"clip{media_suffix(split_uri(uri)[1])}"
        while True:
            with open_source(uri) as file, translated_errors(uri), self._connected():
                request = self._http.build_request("POST", "v1/describe", data=fields, files={"file": (name, file)})
                response = self._http.send(request, stream=True)
            if response.is_success:
                return response
            left_s = self._waited(response, left_s)

    def _accepted(self, path: str) -> httpx2.Response:
        """Ask for something until the service gives it."""
        left_s = self._patience_s
        while True:
            with self._connected():
                response = self._http.get(path)
            if response.is_success:
                return response
            left_s = self._waited(response, left_s)

    def _waited(self, response: httpx2.Response, left_s: float) -> float:
        """Wait as long as a refusal says, and return how much patience is left; raise it where it is final."""
        with self._connected():
            response.read()
        refusal = refusal_of(response)
        if refusal.retry_after_s is None:
            raise refusal
        wait_s = max(refusal.retry_after_s, _SHORTEST_WAIT_S)
        if wait_s > left_s or self._closed.wait(wait_s):
            raise refusal
        return left_s - wait_s

    def _events(self, response: httpx2.Response) -> Iterator[httpx2.ServerSentEvent]:
        with self._connected():
            yield from httpx2.EventSource(response)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except httpx2.RequestError as error:
            raise no_response(error, self.url) from error


def _checked(url: str) -> str:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise RequestError(f"server {url}: it is no URL ({error}); write it as http://host:8000") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise RequestError(f"server {url}: it is no URL of a service; write it as http://host:8000")
    return url.rstrip("/")


def _key_header(key: str) -> dict[str, str]:
    key = key.strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise RequestError(f"the key (in {KEY_VARIABLE}, for example) holds what cannot be sent; copy it again")
    return {"Authorization": f"Bearer {key}"} if key else {}
