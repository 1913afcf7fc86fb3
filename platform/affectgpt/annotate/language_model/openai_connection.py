"""What every question to an OpenAI-compatible endpoint shares: many at a time, paced, asked again, and explained."""

import asyncio
import re
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import openai
from pydantic import BaseModel, ValidationError

from affectgpt.annotate.language_model.endpoint import find_endpoint
from affectgpt.errors import JobError, RequestError

CONNECT_TIMEOUT_S = 10.0

# What endpoints that want no key are sent, since the client insists on one.
_NO_KEY = "EMPTY"

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


Asked = TypeVar("Asked")
Reply = TypeVar("Reply")
Shape = TypeVar("Shape", bound=BaseModel)


class Connection:
    """An endpoint, and how it is asked.

    What the endpoint says may hold the key, so that errors of the client are never chained: what counts is quoted.

    The ``openai`` package sends a request again after a lost connection, a time-out, and the answers 408, 409, 429 and
    5xx, and waits longer each time.

    Attributes:
        base_url: where the API is.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        api_key_file: str | Path | None = None,
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        timeout_s: float = 120.0,
        max_retries: int = 5,
        has_answered: bool = False,
    ) -> None:
        """Take the settings; nothing is asked yet.

        Args:
            base_url: where the API is, for example ``http://localhost:8000/v1``.
            api_key: the key; None takes that in ``api_key_file``, else that in OPENAI_API_KEY, else none.
            api_key_file: a file that holds the key and nothing else.
            concurrency: requests under way at a time.
            requests_per_minute: the most that are begun; None does not limit them.
            timeout_s: how long one reply may take, from the request to its last byte, in seconds; each time that it is
                sent again counts anew.
            max_retries: how often a request is sent again.
            has_answered: whether the endpoint is known to have answered, so that one that cannot be reached was lost on
                the way.

        Raises:
            RequestError: an argument is wrong.
        """
        if concurrency < 1 or timeout_s <= 0 or max_retries < 0:
            raise RequestError(
                f"concurrency={concurrency}, timeout_s={timeout_s}, max_retries={max_retries}: "
                "at least 1, more than 0 and at least 0 are wanted"
            )
        self._endpoint = find_endpoint(base_url, api_key, api_key_file)
        self._concurrency = concurrency
        self._pace = _Pace(0.0 if requests_per_minute is None else 60.0 / requests_per_minute)
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._has_answered = has_answered

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._endpoint.base_url

    def ask_all(
        self,
        questions: Sequence[Asked],
        ask: Callable[[openai.AsyncOpenAI, Asked], Awaitable[Reply]],
        arrived: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        """Ask several things at a time, and return the replies in order; not to be called inside a running event loop.

        Args:
            questions: what is asked.
            ask: asks one of them.
            arrived: called with the index of a question and its reply as soon as it is there, in any order.

        Raises:
            RequestError, JobError: what ``ask`` raised first.
        """
        try:
            return asyncio.run(self._ask_all(questions, ask, arrived))
        except BaseExceptionGroup as failures:
            first = failures.exceptions[0]
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        raise first

    async def _ask_all(
        self,
        questions: Sequence[Asked],
        ask: Callable[[openai.AsyncOpenAI, Asked], Awaitable[Reply]],
        arrived: Callable[[int, Reply], None] | None,
    ) -> list[Reply]:
        replies: dict[int, Reply] = {}
        waiting = iter(enumerate(questions))

        async def work(client: openai.AsyncOpenAI) -> None:
            for index, question in waiting:
                await self._pace.wait()
                replies[index] = await ask(client, question)
                if arrived is not None:
                    arrived(index, replies[index])

        with _cancelled_by_sigterm():
            async with self._client() as client, asyncio.TaskGroup() as workers:
                for _ in range(min(self._concurrency, len(questions))):
                    workers.create_task(work(client))
        return [replies[index] for index in range(len(questions))]

    def models(self) -> list[str]:
        """Ask the endpoint for its models.

        Raises:
            RequestError: it cannot be reached, wants another key, or is no OpenAI-compatible API.
            JobError: it fails, also when asked again.
        """
        return asyncio.run(self._models_listed())

    def check(self, model: str) -> None:
        """Ask the endpoint for its models, and see that one is among them.

        Raises:
            RequestError: as ``models`` does, or it does not have the model.
            JobError: it fails, also when asked again.
        """
        models = self.models()
        if model not in models:
            raise self._endpoint.no_such_model(model, models)

    async def explain(
        self, client: openai.AsyncOpenAI, model: str, error: openai.OpenAIError
    ) -> RequestError | JobError:
        """Say what a failure to answer means; a model that is not there is told from an API that is not there."""
        if not isinstance(error, openai.NotFoundError):
            return self._endpoint.explain(error, self._has_answered)
        try:
            models = await self._ask_for_models(client)
        except (openai.OpenAIError, RequestError):
            return self._endpoint.incompatible(error.response.text)
        if model not in models:
            return self._endpoint.no_such_model(model, models)
        return self._endpoint.explain(error, self._has_answered)

    def read(self, shape: type[Shape], text: str) -> Shape:
        """Read an answer.

        Raises:
            RequestError: it is not what such an API gives.
        """
        try:
            answer = shape.model_validate_json(_without_lone_surrogates(text))
        except ValidationError:
            raise self._endpoint.incompatible(text) from None
        self._has_answered = True
        return answer

    async def _models_listed(self) -> list[str]:
        async with self._client() as client:
            try:
                return await self._ask_for_models(client)
            except openai.NotFoundError as error:
                raise self._endpoint.incompatible(error.response.text) from None
            except openai.OpenAIError as error:
                raise self._endpoint.explain(error, self._has_answered) from None

    async def _ask_for_models(self, client: openai.AsyncOpenAI) -> list[str]:
        response = await client.models.with_raw_response.list()
        return sorted(model.id for model in self.read(_Models, response.text).data)

    def _client(self) -> openai.AsyncOpenAI:
        """Make a client; its connections belong to the running event loop."""
        return openai.AsyncOpenAI(
            base_url=self._endpoint.base_url,
            api_key=self._endpoint.key or _NO_KEY,
            timeout=openai.Timeout(self._timeout_s, connect=min(CONNECT_TIMEOUT_S, self._timeout_s)),
            max_retries=self._max_retries,
            http_client=_PunctualClient(self._timeout_s),
        )


class _Pace:
    """Lets questions begin no closer together than an interval, whichever worker asks them."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for the turn."""
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + self._interval_s
        await asyncio.sleep(turn - now)


class _PunctualClient(openai.DefaultAsyncHttpxClient):
    """An HTTP client that gives a reply, from the request to its last byte, a limited time.

    Time-outs of the library itself hold for each piece of a reply, so that one that comes drop by drop has no end.
    """

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._limit_s = limit_s

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request and read the whole reply.

        Raises:
            httpx2.ReadTimeout: it did not come in time; ``openai`` sends the request again.
        """
        try:
            async with asyncio.timeout(self._limit_s):
                return await super().send(request, **options)
        except TimeoutError as error:
            raise httpx2.ReadTimeout(f"no whole reply within {self._limit_s:g} s", request=request) from error


def _without_lone_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs in JSON, which some servers send where a model was cut off in an emoji."""
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["lone"] else found[0], text)


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """Let SIGTERM cancel the running task, as ``asyncio.run`` lets Ctrl-C, where it is handled in Python.

    What such a handler raises amid the connections is lost among the errors of their closing.
    """
    handler, task = signal.getsignal(signal.SIGTERM), asyncio.current_task()
    if threading.current_thread() is not threading.main_thread() or not callable(handler) or task is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, handler)
