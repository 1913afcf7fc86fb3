"""The one interface of every annotation step, whatever engine it runs on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from affectgpt.annotate.sample import Sample
from affectgpt.errors import ClipError


@dataclass(frozen=True, slots=True)
class StepProvenance:
    """Where a step's values come from.

    Attributes:
        engine: ``signal``, ``transformers``, ``vllm`` or ``openai``.
        model: the model's name; for ``signal`` the name of the method.
        revision: the model's revision, ``unknown`` where nobody said it; for ``signal`` the version of the method.
        prompt_sha256: hash of the prompt, or None where there is none.
        sampling: how a model's replies were sampled, or None where nothing is.
    """

    engine: str
    model: str
    revision: str
    prompt_sha256: str | None = None
    sampling: str | None = None


class Step(ABC):
    """One annotation step: takes a batch of samples and adds what it finds.

    A step is made once per worker from its settings in the recipe, set up once, and then called with batches. It must
    be cheap to construct: whatever is slow (weights, cascades, lexica) belongs in ``set_up``.

    Attributes:
        name: the step's name in recipes, reports and provenance.
        needs_media: whether the step looks at frames or sound; samples lose them after the last step that does.
        needs_voice_reference: whether the step wants the speaker's usual voice measured beforehand.
    """

    name: ClassVar[str]
    needs_media: ClassVar[bool] = False
    needs_voice_reference: ClassVar[bool] = False

    def set_up(self) -> None:
        """Load what the step needs; called once, before the first batch, in the process that runs the step."""

    @abstractmethod
    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Annotate a batch; the answer is as long as the batch and in its order.

        A sample that fails is answered by the ClipError that says why; it never takes the batch with it.
        """

    @abstractmethod
    def provenance(self) -> StepProvenance:
        """Say what this step's values come from."""
