"""Any endpoint that speaks OpenAI's chat completions: a server of vLLM or llama.cpp as well as a service."""

from collections.abc import Mapping, Sequence
from typing import Any

import openai
from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import BaseModel, Field

from affectgpt.annotate.language_model.engine import Arrived, TextReply, TextRequest
from affectgpt.annotate.language_model.media import frame_data_url, sound_base64
from affectgpt.annotate.language_model.openai_connection import Connection
from affectgpt.errors import RequestError

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


class OpenAIEngine:
    """A language model behind an OpenAI-compatible endpoint."""

    def __init__(self, base_url: str, model: str | None = None, api_key: str | None = None, **settings: Any) -> None:
        """Make the engine.

        Args:
            base_url: where the API is, for example ``http://localhost:8000/v1``.
            model: the model's name at the endpoint; None asks the endpoint now, and takes the only one it has.
            api_key: the key, as ``Connection`` has it.
            settings: how the endpoint is asked, as ``Connection`` has it.

        Raises:
            RequestError: an argument is wrong, or ``model`` is None and the endpoint has not exactly one.
            JobError: ``model`` is None and the endpoint fails.
        """
        self._connection = Connection(base_url, api_key, **settings)
        self._model = self._only_model() if model is None else model

    @property
    def identity(self) -> Mapping[str, str]:
        """The endpoint and its model."""
        return {"engine": "openai", "endpoint": self._connection.base_url, "model": self._model}

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
        return self._connection.ask_all(requests, self._ask, arrived)

    def check(self) -> None:
        """Ask the endpoint which models it has, and see that this one is among them.

        Raises:
            RequestError: it cannot be reached, wants another key, does not have the model, or is no OpenAI-compatible
                API.
            JobError: it fails, also when asked again.
        """
        self._connection.check(self._model)

    def _only_model(self) -> str:
        models = self._connection.models()
        if len(models) != 1:
            raise RequestError(
                f"{self._connection.base_url} has {len(models)} models; name the one to use: {', '.join(models)}"
            )
        return models[0]

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
        except openai.OpenAIError as error:
            if isinstance(error, openai.BadRequestError) and error.code == _DECLINED:
                return TextReply("", "refusal")
            raise await self._connection.explain(client, self._model, error) from None
        return _reply(self._connection.read(_Completion, response.text))


def _content(request: TextRequest) -> str | list[ChatCompletionContentPartParam]:
    """What the user says: text alone, or pictures and sound and then the text."""
    parts: list[ChatCompletionContentPartParam] = [
        {"type": "image_url", "image_url": {"url": frame_data_url(frame)}} for frame in request.frames
    ]
    if request.sound is not None:
        parts.append({"type": "input_audio", "input_audio": {"data": sound_base64(request.sound), "format": "wav"}})
    return [*parts, {"type": "text", "text": request.user}] if parts else request.user


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
