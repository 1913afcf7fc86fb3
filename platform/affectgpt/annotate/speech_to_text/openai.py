"""Any endpoint that speaks OpenAI's audio transcriptions: a server of vLLM or whisper.cpp as well as a service."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import openai
from pydantic import BaseModel

from affectgpt.annotate.generated.cleaning import cleaned, one_line
from affectgpt.annotate.language_model.media import sound_wav
from affectgpt.annotate.language_model.openai_connection import Connection
from affectgpt.annotate.speech_to_text.engine import Speech, Transcript, is_silence, joined, windows
from affectgpt.annotate.speech_to_text.languages import tag_of_language


class _Segment(BaseModel):
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


class _Transcription(BaseModel):
    text: str
    language: str | None = None
    segments: list[_Segment] | None = None


class OpenAISpeech:
    """A speech model behind an OpenAI-compatible endpoint."""

    def __init__(self, base_url: str, model: str, **settings: Any) -> None:
        """Make the engine; nothing is asked yet.

        Args:
            base_url: where the API is, for example ``http://localhost:8000/v1``.
            model: the model's name at the endpoint.
            settings: how the endpoint is asked, as ``Connection`` has it.

        Raises:
            RequestError: an argument is wrong.
        """
        self._connection = Connection(base_url, **settings)
        self._model = model

    def transcribe(self, speeches: Sequence[Speech]) -> list[Transcript]:
        """Write down what is said in each, in order; what is longer than a window is sent window by window.

        Raises:
            RequestError: the endpoint cannot be reached, wants another key, does not have the model, refuses a request,
                or is no OpenAI-compatible API.
            JobError: the endpoint failed, also when asked again.
        """
        pieces = [
            (place, replace(one, sound=part)) for place, one in enumerate(speeches) for part in windows(one.sound)
        ]
        heard = self._connection.ask_all([speech for _, speech in pieces], self._ask)
        parts: list[list[tuple[Transcript, float]]] = [[] for _ in speeches]
        for (place, speech), transcript in zip(pieces, heard, strict=True):
            parts[place].append((transcript, float(len(speech.sound))))
        return [joined(one) for one in parts]

    async def _ask(self, client: openai.AsyncOpenAI, speech: Speech) -> Transcript:
        said = await self._transcription(client, speech, "verbose_json")
        # Some servers read the words of a verbose answer off its time stamps, and lose them where it has none.
        if not said.text.strip():
            said = await self._transcription(client, speech, "json")
        return _transcript(said)

    async def _transcription(
        self, client: openai.AsyncOpenAI, speech: Speech, form: Literal["verbose_json", "json"]
    ) -> _Transcription:
        try:
            response = await client.audio.transcriptions.with_raw_response.create(
                model=self._model,
                file=("speech.wav", sound_wav(speech.sound), "audio/wav"),
                response_format=form,
                temperature=speech.temperature,
                language=openai.omit if speech.language is None else speech.language.partition("-")[0],
            )
        except openai.OpenAIError as error:
            raise await self._connection.explain(client, self._model, error) from None
        return self._connection.read(_Transcription, response.text)


def _transcript(said: _Transcription) -> Transcript:
    logarithms = [one.avg_logprob for one in said.segments or () if one.avg_logprob is not None]
    silences = [one.no_speech_prob for one in said.segments or () if one.no_speech_prob is not None]
    confidence = min(1.0, float(np.exp(np.mean(logarithms)))) if logarithms else None
    if silences and confidence is not None and is_silence(min(silences), confidence):
        return Transcript("")
    return Transcript(one_line(cleaned(said.text)), tag_of_language(said.language), confidence)
