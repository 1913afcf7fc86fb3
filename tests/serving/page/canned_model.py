"""A model that says what it was told to say: the clip is really decoded, and the text not thought of."""

import asyncio
from collections.abc import AsyncGenerator
from threading import Event
from typing import Final

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.errors import ClipError
from affectgpt.evaluation.extraction.lexicon import labels_of, read_description
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.description import Description
from affectgpt.serving.exchange import ModelFacts, Told

EN: Final = (
    "The corners of the mouth turn down and the eyes are wet; the face looks sad. The voice is low and slow, which "
    "sounds sad too, with an anxious tremor in its tone. 🎭 The words “thank you so much” are grateful. All in all, "
    "she is sad, grateful and wistful."
)
ZH: Final = "她的嘴角下垂，表情悲伤。声音低沉缓慢，语气焦虑。字幕说“非常感谢”，她感激。"
FINGERPRINT: Final = "8e72cc6e" * 8
FACTS: Final = ModelFacts(FINGERPRINT, {"coarse": "c" * 64, "fine": "f" * 64}, DecodeSettings(frames=4), None, 0)
ENDLESS: Final = "Do you ever end?"
"""After this question the model writes half of its text and waits."""
BREAKING: Final = "Do you break?"
"""After this question the model writes half of its text and fails."""


class CannedModel:
    """Writes word by word.

    Attributes:
        queries: what it was asked.
        left: set when somebody who asked for an endless text has gone.
    """

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self.left = Event()

    async def facts(self) -> ModelFacts:
        return FACTS

    async def describe(self, query: Query) -> Told:
        text = ZH if query.language == "zh" else EN
        labels = tuple(labels_of(read_description(text, query.language)))
        media = query.read.media
        description = Description(
            text, labels, media.has_video, media.has_audio, query.read.clip.subtitle, query.language
        )
        return Told(Answer(description, 165, 60, complete=query.language == "en"), FACTS, 0.01, 1.7)

    async def stream(self, query: Query) -> AsyncGenerator[str | Told, None]:
        self.queries.append(query)
        text = ZH if query.language == "zh" else EN
        try:
            for end in range(1, len(text) // 2, 7):
                yield text[:end]
                await asyncio.sleep(0)
            if query.question == ENDLESS:
                await asyncio.Event().wait()
        finally:
            if query.question == ENDLESS:
                self.left.set()
        if query.question == BREAKING:
            error = ClipError("nothing-perceived", "the clip shows nothing and says nothing; send another")
            yield Told(error, FACTS, 0.0, 0.0)
        yield await self.describe(query)
