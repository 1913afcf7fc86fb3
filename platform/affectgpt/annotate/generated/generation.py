"""What all generated steps share: a batch is asked at once, each reply is judged, and bad ones are asked again."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from affectgpt.annotate.generated.cleaning import cleaned, one_line
from affectgpt.annotate.generated.judging import Fault, Language, fault_of
from affectgpt.annotate.generated.prompt import Prompt, load_prompt
from affectgpt.annotate.language_model.engine import TextEngine, TextReply, TextRequest
from affectgpt.annotate.language_model.models import ModelSection, engine_of
from affectgpt.annotate.sample import Sample, Tokens
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.errors import ClipError

AGAIN_TEMPERATURE: Final = 0.7
AGAIN_SEED: Final = 1
SAMPLING: Final = f"temperature 0; again {AGAIN_TEMPERATURE}"

QUOTED_CHARACTERS: Final = 160


class GeneratedStep(Step):
    """A step that a model does.

    Each sample is one request, or none where there is nothing to ask. A reply that cannot be used is asked for once
    more, sampled, since a model that was caught in a loop would go the same way again.

    Attributes:
        language: what the replies have to be in, or None where they are no prose.
    """

    language: ClassVar[Language | None] = "en"

    def __init__(self, model: ModelSection) -> None:
        """Make the step; the model's engine is made in ``set_up``."""
        self._model = model
        self._engine: TextEngine | None = None

    def set_up(self) -> None:
        """Make the engine, or take the one that another step of this process made.

        Raises:
            RequestError: the engine cannot be made.
        """
        self._engine = engine_of(self._model)

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Ask the model about each sample, all at once, and once more about those whose reply cannot be used.

        Raises:
            RequestError: the engine cannot be used as it was asked for.
            JobError: the engine failed on the way.
        """
        outcomes: dict[int, Sample | ClipError] = {}
        asked: dict[int, TextRequest] = {}
        for place, sample in enumerate(samples):
            match self.request(sample):
                case TextRequest() as request:
                    asked[place] = request
                case None:
                    outcomes[place] = sample
                case ClipError() as error:
                    outcomes[place] = error
        spent: Counter[tuple[int, str]] = Counter()
        good, bad = self._answered(samples, asked, spent)
        again = {place: replace(asked[place], temperature=AGAIN_TEMPERATURE, seed=AGAIN_SEED) for place in bad}
        better, errors = self._answered(samples, again, spent)
        for place, sample in (good | better).items():
            tokens = Tokens(spent[place, "prompt"], spent[place, "completion"])
            outcomes[place] = replace(sample, tokens={**sample.tokens, self.name: tokens})
        outcomes.update(errors)
        return [outcomes[place] for place in range(len(samples))]

    def provenance(self) -> StepProvenance:
        """Name the model, the prompt and the sampling."""
        return StepProvenance(
            engine=self._model.engine,
            model=self._model.model,
            revision=self._model.revision or "unknown",
            prompt_sha256=self.prompt().sha256,
            sampling=SAMPLING,
        )

    def prompt(self) -> Prompt:
        """Return the step's prompt."""
        return load_prompt(self.name)

    @property
    def max_tokens(self) -> int:
        """Where a reply is cut off, in tokens."""
        return self._model.max_tokens

    @abstractmethod
    def request(self, sample: Sample) -> TextRequest | ClipError | None:
        """Say what is asked about a sample; None leaves it as it is, and an error rejects it."""

    @abstractmethod
    def answer(self, sample: Sample, text: str) -> Sample | Fault:
        """Add to a sample what a reply says, or say why it cannot be used; its text is cleaned and no obvious fault."""

    def _answered(
        self, samples: Sequence[Sample], requests: dict[int, TextRequest], spent: Counter[tuple[int, str]]
    ) -> tuple[dict[int, Sample], dict[int, ClipError]]:
        """Ask, count tokens, and tell the samples that were answered from those whose reply cannot be used."""
        assert self._engine is not None, "set_up comes before annotate"
        replies = self._engine.generate(list(requests.values())) if requests else []
        good: dict[int, Sample] = {}
        bad: dict[int, ClipError] = {}
        for place, reply in zip(requests, replies, strict=True):
            spent[place, "prompt"] += reply.prompt_tokens or 0
            spent[place, "completion"] += reply.completion_tokens or 0
            found = self._read(samples[place], reply)
            if isinstance(found, Fault):
                bad[place] = self._error(samples[place], found, reply)
            else:
                good[place] = found
        return good, bad

    def _read(self, sample: Sample, reply: TextReply) -> Sample | Fault:
        text = cleaned(reply.text)
        return fault_of(text, reply.finish_reason, self.language) or self.answer(sample, text)

    def _error(self, sample: Sample, fault: Fault, reply: TextReply) -> ClipError:
        text = one_line(cleaned(reply.text))
        beginning = text if len(text) <= QUOTED_CHARACTERS else text[:QUOTED_CHARACTERS] + " ..."
        said = f"it begins {beginning!r}" if text else "it is empty"
        asked = f"{sample.clip.uri}: step {self.name}, model {self._model.model}, asked twice"
        return ClipError(fault.reason, f"{asked}: {fault.explanation} ({said})")
