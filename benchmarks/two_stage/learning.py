"""One arm's training and its descriptions: the project's model, processor, order and schedule, on one core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from affectgpt.model.batching import Example
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.order import SampleOrder
from affectgpt.training.recipe import AudioSection, LanguageModelSection, ModelSection, StageSection, TrainableSection
from affectgpt.training.schedule import learning_rate
from affectgpt.training.trainable import parameter_groups
from benchmarks.two_stage.corpus import Floats

MODEL: Final = ModelSection(
    language_model=LanguageModelSection(vocabulary=1024, hidden_size=64, layers=1, heads=4, context=512, dropout=0.1),
    vision=None,
    audio=AudioSection(longest_s=30.0, fusion="attention", hidden_size=64, dropout=0.1, subsampling=3, statistics=4),
)
_TRAINABLE: Final = TrainableSection(language_model="full", branches="full")
_LANGUAGE: Final = "en"
_PHRASING: Final = 4
_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt of one clip.

    Attributes:
        clip: its place in the corpus.
        answer: what the model shall say of it.
        emphasised: words of the answer whose tokens count more.
        weight: how much the clip counts.
    """

    clip: int
    answer: str
    emphasised: Sequence[str] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How features are changed anew each time that they are learnt.

    Attributes:
        shift: the most steps of 10 ms that are cut off at either end.
        time_mask: the longest stretch of steps that is blanked, twice.
        feature_mask: the most neighbouring mels that are blanked.
        noise: deviation of what is added.
    """

    shift: int = 20
    time_mask: int = 20
    feature_mask: int = 6
    noise: float = 0.2

    def apply(self, features: Floats, chance: np.random.Generator) -> Floats:
        """Return changed features of shape (T', D)."""
        begin, end = chance.integers(0, self.shift + 1, 2)
        changed = features[begin : max(len(features) - end, begin + 1)].copy()
        for _ in range(2):
            length = int(chance.integers(0, self.time_mask + 1))
            first = int(chance.integers(0, max(len(changed) - length, 1)))
            changed[first : first + length] = 0.0
        width = int(chance.integers(0, self.feature_mask + 1))
        first = int(chance.integers(0, features.shape[1] - 3 - width))
        changed[:, first : first + width] = 0.0
        noise = self.noise * chance.standard_normal(changed.shape, np.float32)
        return (changed + noise).astype(np.float32)


def settings(steps: int, rate: float, shares: Mapping[str, float], weight_decay: float = 0.05) -> StageSection:
    """Give the settings of a stage: all of the model is trained, 10 % warm-up, cosine, batches of 16."""
    return StageSection(
        data=dict(shares),  # type: ignore[arg-type]
        steps=steps,
        batch_size=_BATCH,
        micro_batch_size=_BATCH,
        learning_rate=rate,
        weight_decay=weight_decay,
        trainable=_TRAINABLE,
    )


class Learner:
    """A model on its way through the stages of an arm."""

    def __init__(self, texts: Sequence[str], features: Sequence[Floats], seed: int) -> None:
        """Build the model.

        Args:
            texts: what its tokenizer is learnt from.
            features: of each clip of the corpus, of shape (T, D).
            seed: of the weights, of the order and of all that chance decides.
        """
        self.model, self.processor = build_initial_model(MODEL, texts, seed)
        self._features, self._seed = features, seed
        self._augmentation = Augmentation()

    def learn(self, stage: StageSection, lessons: Mapping[str, Sequence[Lesson]], label_weight: float) -> float:
        """Train for one stage, and return the mean loss of its last tenth.

        Args:
            stage: of the stage.
            lessons: those of each data set that the stage has a share of.
            label_weight: the weight of emphasised tokens.
        """
        every = [lesson for name in stage.data for lesson in lessons[name]]
        places: dict[str, NDArray[np.int64]] = {}
        first = 0
        for name in stage.data:
            places[name] = np.arange(first, first + len(lessons[name]), dtype=np.int64)
            first += len(lessons[name])
        examples = [self._example(lesson, label_weight) for lesson in every]
        lengths = [len(example.input_ids) for example in examples]
        steps = stage.steps or 0
        order = SampleOrder(
            places, lengths, {str(name): share for name, share in stage.data.items()}, stage.batch_size, self._seed
        )
        optimizer = torch.optim.AdamW(parameter_groups(self.model, stage), lr=stage.learning_rate)
        chance = np.random.default_rng((self._seed, steps))
        torch.manual_seed(self._seed)
        self.model.train(True)
        losses = []
        for batch in order.batches(0, steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(stage, batch.step, steps)
            tensors = self.processor.collate([self._augmented(examples[place], chance) for place in batch.samples])
            loss: torch.Tensor = self.model(**tensors, return_logits=False).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), stage.gradient_clipping)
            optimizer.step()
            losses.append(float(loss.detach()))
        self.model.train(False)
        return float(np.mean(losses[-max(1, steps // 10) :]))

    @torch.inference_mode()
    def describe(self, clips: Sequence[int], longest: int) -> list[str]:
        """Describe clips, greedily, in at most ``longest`` tokens."""
        self.model.train(False)
        texts: list[str] = []
        for start in range(0, len(clips), 64):
            part = [self._prompt(clip) for clip in clips[start : start + 64]]
            tensors: dict[str, Any] = self.processor.collate(part, "left", label=False)
            generated = self.model.generate(**tensors, max_new_tokens=longest, do_sample=False)
            texts += self.processor.decode_descriptions(generated, tensors["input_ids"].shape[1])
        return texts

    def states(self) -> dict[str, torch.Tensor]:
        """Copy the weights, for another arm to go on from."""
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def load(self, states: Mapping[str, torch.Tensor]) -> None:
        """Go on from weights that ``states`` gave."""
        self.model.load_state_dict(states)

    def _example(self, lesson: Lesson, label_weight: float) -> Example:
        input_ids, start, weights = self.processor.tokenize(
            False, True, None, _LANGUAGE, _PHRASING, lesson.answer, None, lesson.emphasised, label_weight
        )
        if weights is None:
            weights = np.ones(len(input_ids) - start, np.float32)
        return Example(
            input_ids, start, weights * np.float32(lesson.weight), audio_features=self._features[lesson.clip]
        )

    def _augmented(self, example: Example, chance: np.random.Generator) -> Example:
        assert example.audio_features is not None
        features = self._augmentation.apply(example.audio_features, chance)
        return Example(example.input_ids, example.answer_start, example.token_weights, audio_features=features)

    def _prompt(self, clip: int) -> Example:
        input_ids, start, _ = self.processor.tokenize(False, True, None, _LANGUAGE, _PHRASING)
        return Example(input_ids, start, audio_features=self._features[clip])
