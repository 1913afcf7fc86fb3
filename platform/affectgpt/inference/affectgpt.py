"""A trained AffectGPT: clips in, descriptions and labels out."""

from collections.abc import Sequence
from typing import Self

import torch

from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.description import Description
from affectgpt.inference.loading import context_of, load_model
from affectgpt.inference.perception import Perception
from affectgpt.inference.preparing import Preparer
from affectgpt.inference.reading import Asked, ClipLike, ClipReader, Read
from affectgpt.inference.writing import Written, answer_of, write
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.model.processing import Example


class AffectGPT:
    """A trained model, ready to describe clips.

    Not for use by several threads at once.

    Attributes:
        model: the model itself, in evaluation.
        processor: its processor.
        preparer: what it takes and can be asked.
    """

    def __init__(
        self, model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor, reader: ClipReader | None = None
    ) -> None:
        """Take a model that is loaded.

        Args:
            model: with its encoders, on its device.
            processor: its processor.
            reader: what decodes for it; None is one process with the usual limits.
        """
        self.model = model
        self.model.train(False)
        self.processor = processor
        self._reader = reader or ClipReader()
        self.preparer = Preparer(processor, context_of(model))

    @classmethod
    def from_pretrained(
        cls,
        path: str,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        reader: ClipReader | None = None,
    ) -> Self:
        """Load a model.

        Args:
            path: the folder of a model, its URI (``s3://``, ``gs://``), or its name on the Hugging Face hub.
            device: where it runs; None is the GPU where there is one.
            dtype: of the weights, for example ``bfloat16``; None is what they were saved in.
            reader: what decodes for it; None is one process with the usual limits.

        Raises:
            RequestError: as in ``loading.load_model``.
        """
        return cls(*load_model(str(path), device, dtype), reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that decode; describing again starts others."""
        self._reader.close()

    def describe(
        self,
        clip: ClipLike,
        subtitle: str | None = None,
        language: Language = "en",
        start_s: float | None = None,
        end_s: float | None = None,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
    ) -> Description:
        """Describe a clip.

        Args:
            clip: a path, a URI (``s3://``, ``https://``), or a ``Clip``, which is taken as it is.
            subtitle: what is said; None looks for it beside a path or URI and in its text track, "" is none.
            language: in which the description is written, ``en`` or ``zh``.
            start_s: begin of the span of a path or URI in seconds; None is its beginning.
            end_s: end of the span in seconds; None is its end.
            max_new_tokens: the most tokens of the description.
            temperature: 0 gives the likeliest text step by step; above, it is drawn by torch's own generator.

        Raises:
            ClipError: the clip cannot be read, or there is nothing that the model can perceive.
            RequestError: an argument is wrong.
        """
        asked = Asked(clip, subtitle, start_s, end_s)
        return self._described([asked], language, max_new_tokens, temperature)[0]

    def describe_batch(
        self,
        clips: Sequence[ClipLike],
        language: Language = "en",
        batch_size: int = 8,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
    ) -> list[Description]:
        """Describe clips, several at once; they may differ in length and in what they have.

        Args:
            clips: paths, URIs and ``Clip``s, as in ``describe``; give a ``Clip`` where you know what is said.
            language: as in ``describe``.
            batch_size: how many clips go through the model at a time.
            max_new_tokens: as in ``describe``.
            temperature: as in ``describe``.

        Raises:
            ClipError: a clip cannot be used; ``try_batch`` goes on with the others.
            RequestError: an argument is wrong.
        """
        if batch_size < 1:
            raise RequestError(f"batch_size {batch_size}: give at least 1")
        asked = [Asked(clip) for clip in clips]
        batches = (asked[first : first + batch_size] for first in range(0, len(asked), batch_size))
        return [one for batch in batches for one in self._described(batch, language, max_new_tokens, temperature)]

    def try_batch(
        self,
        clips: Sequence[ClipLike],
        language: Language = "en",
        max_new_tokens: int = 256,
        temperature: float = 0.0,
    ) -> list[Description | ClipError]:
        """Describe clips in one batch, and say of those that cannot be used why.

        Args:
            clips: as in ``describe_batch``.
            language: as in ``describe``.
            max_new_tokens: as in ``describe``.
            temperature: as in ``describe``.

        Raises:
            RequestError: an argument is wrong.
        """
        return self._outcomes([Asked(clip) for clip in clips], language, max_new_tokens, temperature)

    def _described(
        self, asked: Sequence[Asked], language: Language, max_new_tokens: int, temperature: float
    ) -> list[Description]:
        described = []
        for outcome in self._outcomes(asked, language, max_new_tokens, temperature):
            if isinstance(outcome, ClipError):
                raise outcome
            described.append(outcome)
        return described

    def answer(self, queries: Sequence[Query]) -> list[Answer | ClipError]:
        """Describe clips that are decoded already, in one batch; of each something else may be asked.

        Returns:
            For each of them the answer, or why there can be none.

        Raises:
            RequestError: a query asks for what the model cannot do; ``check`` tells beforehand.
        """
        for query in queries:
            self.check(query.language, query.max_new_tokens, query.temperature)
        prepared = [self.preparer.prepare(query) for query in queries]
        asked = [
            (query, example) for query, example in zip(queries, prepared, strict=True) if isinstance(example, Example)
        ]
        written = iter(self._written(asked))
        return [
            one if isinstance(one, ClipError) else answer_of(query, one, next(written))
            for query, one in zip(queries, prepared, strict=True)
        ]

    def check(self, language: str, max_new_tokens: int, temperature: float) -> None:
        """See that arguments are what the model can do.

        Raises:
            RequestError: one is not; the message names it.
        """
        self.preparer.check(language, max_new_tokens, temperature)

    @property
    def context(self) -> int | None:
        """How many tokens question and description may have together, or None where nothing limits them."""
        return self.preparer.context

    @property
    def perception(self) -> Perception:
        """What the model takes of a clip."""
        return self.preparer.perception

    def _outcomes(
        self, asked: Sequence[Asked], language: Language, max_new_tokens: int, temperature: float
    ) -> list[Description | ClipError]:
        self.check(language, max_new_tokens, temperature)
        found = self._reader.read(asked, self.perception.decoding)
        queries = [
            Query(read, language, max_new_tokens=max_new_tokens, temperature=temperature)
            for read in found
            if isinstance(read, Read)
        ]
        answers = iter(self.answer(queries))
        outcomes = (one if isinstance(one, ClipError) else next(answers) for one in found)
        return [one.description if isinstance(one, Answer) else one for one in outcomes]

    def _written(self, asked: Sequence[tuple[Query, Example]]) -> list[Written]:
        """Write the texts in one batch, or in two where the longest question and text together exceed the context."""
        if not asked:
            return []
        queries, examples = [query for query, _ in asked], [example for _, example in asked]
        longest = max(example.answer_start for example in examples) + max(query.max_new_tokens for query in queries)
        if self.context is None or longest <= self.context:
            return write(self.model, self.processor, examples, queries)
        # A single clip fits, and so do two halves at last.
        half = len(asked) // 2
        return [*self._written(asked[:half]), *self._written(asked[half:])]
