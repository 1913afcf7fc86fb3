"""What clients of OpenAI's chat protocol send: https://platform.openai.com/docs/api-reference/chat/create."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Lenient(BaseModel):
    """A part of the protocol; fields that do not concern this service are passed over."""

    model_config = ConfigDict(extra="ignore")


class Url(_Lenient):
    """Where something is: ``https://...``, or ``data:...;base64,...`` with the thing itself."""

    url: str


class TextPart(_Lenient):
    """A text."""

    type: Literal["text"]
    text: str


class VideoPart(_Lenient):
    """A clip, with its sound."""

    type: Literal["video_url"]
    video_url: Url


class PicturePart(_Lenient):
    """A picture, which takes the place of a frame."""

    type: Literal["image_url"]
    image_url: Url


class SoundData(_Lenient):
    """A sound."""

    data: str
    format: str = "wav"


class SoundPart(_Lenient):
    """A sound, which takes the place of that of a clip."""

    type: Literal["input_audio"]
    input_audio: SoundData


Part = Annotated[TextPart | VideoPart | PicturePart | SoundPart, Field(discriminator="type")]


class ChatMessage(_Lenient):
    """A message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    def parts(self) -> list[Part]:
        """Give what the message holds, a plain text as one part."""
        return [TextPart(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class StreamOptions(_Lenient):
    """How an answer is streamed."""

    include_usage: bool = False


class ChatRequest(_Lenient):
    """A question about one clip.

    What is said in the clip goes into ``subtitle`` and the language of the answer into ``language``, by ``extra_body``
    of the client; the language is else that of the question.
    """

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=100)
    n: Literal[1] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[Any] | None = Field(None, max_length=0)
    logprobs: Literal[False] | None = None
    subtitle: str | None = None
    language: Literal["en", "zh"] | None = None
