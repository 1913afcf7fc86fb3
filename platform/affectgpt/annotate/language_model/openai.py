"""Any endpoint that speaks OpenAI's chat completions: a server of vLLM or llama.cpp as well as a service."""

import asyncio
import re
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import openai
from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import BaseModel, Field, ValidationError

from affectgpt.annotate.language_model.endpoint import find_endpoint
from affectgpt.annotate.language_model.engine import Arrived, TextReply, TextRequest
from affectgpt.annotate.language_model.media import frame_data_url, sound_base64
from affectgpt.errors import JobError, RequestError

CONNECT_TIMEOUT_S = 10.0

# What endpoints that want no key are sent, since the client insists on one.
_NO_KEY = "EMPTY"

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

# The code of the error by which some services decline a request for what it shows or says.
_DECLINED = "content_filter"


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


_Answer = TypeVar("_Answer", _Completion, _Models)


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


class OpenAIEngine:
    """A language model behind an OpenAI-compatible endpoint.

    What the endpoint says may hold the key, so that errors of the client are never chained: what counts is quoted.

    The ``openai`` package sends a request again after a lost connection, a time-out, and the answers 408, 409, 429 and
    5xx, and waits longer each time.
    """

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        api_key_file: str | Path | None = None,
        concurrency: int = 8,
        timeout_s: float = 120.0,
        max_retries: int = 5,
        has_answered: bool = False,
    ) -> None:
        """Make the engine.

        Args:
            base_url: where the API is, for example ``http://localhost:8000/v1``.
            model: the model's name at the endpoint; None asks the endpoint now, and takes the only one it has.
            api_key: the key; None takes that in ``api_key_file``, else that in OPENAI_API_KEY, else none.
            api_key_file: a file that holds the key and nothing else.
            concurrency: requests under way at a time.
            timeout_s: how long one reply may take, from the request to its last byte, in seconds; each time that it is
                sent again counts anew.
            max_retries: how often a request is sent again.
            has_answered: whether the endpoint is known to have answered, so that one that cannot be reached was lost on
                the way.

        Raises:
            RequestError: an argument is wrong, or ``model`` is None and the endpoint has not exactly one.
            JobError: ``model`` is None and the endpoint fails.
        """
        if concurrency < 1 or timeout_s <= 0 or max_retries < 0:
            raise RequestError(
                f"concurrency={concurrency}, timeout_s={timeout_s}, max_retries={max_retries}: "
                "at least 1, more than 0 and at least 0 are wanted"
            )
        self._endpoint = find_endpoint(base_url, api_key, api_key_file)
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._has_answered = has_answered
        self._model = asyncio.run(self._only_model()) if model is None else model

    @property
    def identity(self) -> Mapping[str, str]:
        """The endpoint and its model."""
        return {"engine": "openai", "endpoint": self._endpoint.base_url, "model": self._model}

    def generate(self, requests: Sequence[TextRequest], arrived: Arrived | None = None) -> list[TextReply]:
        """Answer requests, in their order, several at a time; not to be called inside a running event loop.

        Args:
            requests: what is asked.
            arrived: called with the index of a request and its reply as soon as it is there, in any order.

        Raises:
            RequestError: the endpoint cannot be reached, wants another key, does not have the model, refuses a request,
                or is no OpenAI-compatible API.
            JobError: the endpoint failed, also when asked again.
        """
        try:
            return asyncio.run(self._generate(requests, arrived))
        except BaseExceptionGroup as failures:
            first = failures.exceptions[0]
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        raise first

    async def _generate(self, requests: Sequence[TextRequest], arrived: Arrived | None) -> list[TextReply]:
        replies: dict[int, TextReply] = {}
        waiting = iter(enumerate(requests))

        async def work(client: openai.AsyncOpenAI) -> None:
            for index, request in waiting:
                replies[index] = await self._ask(client, request)
                if arrived is not None:
                    arrived(index, replies[index])

        with _cancelled_by_sigterm():
            async with self._client() as client, asyncio.TaskGroup() as workers:
                for _ in range(min(self._concurrency, len(requests))):
                    workers.create_task(work(client))
        return [replies[index] for index in range(len(requests))]

    async def _ask(self, client: openai.AsyncOpenAI, request: TextRequest) -> TextReply:
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": request.system},
            {"role": "user", "content": _content(request)},
        ]
        try:
            response = await client.chat.completions.with_raw_response.create(
                model=self._model,
                messages=messages,
                temperature=request.temperature,
                seed=openai.omit if request.seed is None else request.seed,
                max_tokens=request.max_tokens,
                response_format=openai.omit if request.schema is None else _response_format(request.schema),
            )
        except openai.NotFoundError as error:
            raise await self._explain_not_found(client, error) from None
        except openai.OpenAIError as error:
            if isinstance(error, openai.BadRequestError) and error.code == _DECLINED:
                return TextReply("", "refusal")
            raise self._endpoint.explain(error, self._has_answered) from None
        completion = self._read(_Completion, response.text)
        self._has_answered = True
        return _reply(completion)

    async def _explain_not_found(
        self, client: openai.AsyncOpenAI, error: openai.NotFoundError
    ) -> RequestError | JobError:
        """Tell a model that is not there from an API that is not there: only an API lists its models."""
        try:
            models = await self._models(client)
        except (openai.OpenAIError, RequestError):
            return self._endpoint.incompatible(error.response.text)
        if self._model not in models:
            return self._endpoint.no_such_model(self._model, models)
        return self._endpoint.explain(error, self._has_answered)

    def check(self) -> None:
        """Ask the endpoint which models it has, and see that this one is among them.

        Raises:
            RequestError: it cannot be reached, wants another key, does not have the model, or is no OpenAI-compatible
                API.
            JobError: it fails, also when asked again.
        """
        models = asyncio.run(self._listed_models())
        if self._model not in models:
            raise self._endpoint.no_such_model(self._model, models)

    async def _only_model(self) -> str:
        models = await self._listed_models()
        if len(models) != 1:
            raise RequestError(
                f"{self._endpoint.base_url} has {len(models)} models; name the one to use: {', '.join(models)}"
            )
        return models[0]

    async def _listed_models(self) -> list[str]:
        async with self._client() as client:
            try:
                return await self._models(client)
            except openai.NotFoundError as error:
                raise self._endpoint.incompatible(error.response.text) from None
            except openai.OpenAIError as error:
                raise self._endpoint.explain(error, self._has_answered) from None

    async def _models(self, client: openai.AsyncOpenAI) -> list[str]:
        response = await client.models.with_raw_response.list()
        return sorted(model.id for model in self._read(_Models, response.text).data)

    def _client(self) -> openai.AsyncOpenAI:
        """Make a client; its connections belong to the running event loop."""
        return openai.AsyncOpenAI(
            base_url=self._endpoint.base_url,
            api_key=self._endpoint.key or _NO_KEY,
            timeout=openai.Timeout(self._timeout_s, connect=min(CONNECT_TIMEOUT_S, self._timeout_s)),
            max_retries=self._max_retries,
            http_client=_PunctualClient(self._timeout_s),
        )

    def _read(self, shape: type[_Answer], text: str) -> _Answer:
        try:
            return shape.model_validate_json(_without_lone_surrogates(text))
        except ValidationError:
            raise self._endpoint.incompatible(text) from None


def _without_lone_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs in JSON, which some servers send where a model was cut off in an emoji."""
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["lone"] else found[0], text)


def _content(request: TextRequest) -> str | list[ChatCompletionContentPartParam]:
    """What the user says: text alone, or pictures and sound and then the text."""
    parts: list[ChatCompletionContentPartParam] = [
        {"type": "image_url", "image_url": {"url": frame_data_url(frame)}} for frame in request.frames
    ]
    if request.sound is not None:
        parts.append({"type": "input_audio", "input_audio": {"data": sound_base64(request.sound), "format": "wav"}})
    return [*parts, {"type": "text", "text": request.user}] if parts else request.user


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


def _response_format(schema: Mapping[str, object]) -> ResponseFormatJSONSchema:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema), "strict": True}}


def _reply(completion: _Completion) -> TextReply:
    choice, usage = completion.choices[0], completion.usage or _Usage()
    return TextReply(
        text=choice.message.content or "",
        finish_reason="refusal" if choice.message.refusal else choice.finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )
