"""From clips to what the model takes, and from what it generates back to text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoFeatureExtractor,
    AutoImageProcessor,
    AutoTokenizer,
    BatchFeature,
    PreTrainedTokenizerBase,
    ProcessorMixin,
)
from transformers.feature_extraction_utils import FeatureExtractionMixin
from transformers.image_processing_utils import BaseImageProcessor

from affectgpt.model.batching import Example, collate
from affectgpt.model.prompt import SLOTS, Language, Slot, end_of_answer, render, user_message, without_special_tokens
from affectgpt.model.sound_inputs import prepare_sound

__all__ = ["AffectGPTProcessor", "ClipInput", "Example"]

_LOADERS: Final[Mapping[str, Any]] = {
    "image_processor": AutoImageProcessor,
    "feature_extractor": AutoFeatureExtractor,
    "tokenizer": AutoTokenizer,
}


@dataclass(frozen=True, slots=True, eq=False)
class ClipInput:
    """One clip, decoded, and what is asked about it.

    Attributes:
        frames: uint8 RGB of shape (F, H, W, 3), or None where it has no video.
        sound: float32 mono of shape (S,) at 16 kHz, or None where it has no sound.
        subtitle: what is said, where that is known.
        language: in which language the answer shall be.
        phrasing: index of the question among ``prompt.phrasings(language)``.
        answer: the description to learn from.
        question: what is asked instead of the phrasing; None for that.
    """

    frames: NDArray[np.uint8] | None
    sound: NDArray[np.float32] | None
    subtitle: str | None
    language: Language
    phrasing: int = 0
    answer: str | None = None
    question: str | None = None


class AffectGPTProcessor(ProcessorMixin):
    """Prompts, pictures and sounds for AffectGPT.

    Attributes:
        image_processor: that of the vision encoder, or None for a model that does not see.
        feature_extractor: that of the audio encoder, or None for a model that does not hear.
        tokenizer: that of the language model, with slots (``tokenizer.add_slots``).
        video_tokens: how many vectors the language model is given of the frames.
        audio_tokens: how many of the sound.
        fused_tokens: how many of their fusion; 0 where they are not fused.
        frames: how many frames of a clip the model was made for, if it sees.
        longest_s: how many seconds of its sound, if it hears.
    """

    def __init__(
        self,
        image_processor: BaseImageProcessor | None,
        feature_extractor: FeatureExtractionMixin | None,
        tokenizer: PreTrainedTokenizerBase,
        video_tokens: int = 0,
        audio_tokens: int = 0,
        fused_tokens: int = 0,
        frames: int = 8,
        longest_s: float = 30.0,
        chat_template: str | None = None,
    ) -> None:
        """Make the processor.

        Args:
            image_processor: see the attributes.
            feature_extractor: see the attributes.
            tokenizer: see the attributes.
            video_tokens: see the attributes.
            audio_tokens: see the attributes.
            fused_tokens: see the attributes.
            frames: see the attributes.
            longest_s: see the attributes.
            chat_template: not used: the chat format is the tokenizer's.

        Raises:
            ValueError: the tokenizer has no slots, or a sense has tokens but no preprocessing, or the reverse.
        """
        parts = {"image_processor": image_processor, "feature_extractor": feature_extractor, "tokenizer": tokenizer}
        for name, part in parts.items():
            setattr(self, name, part)
        if (image_processor is None) != (video_tokens == 0) or (feature_extractor is None) != (audio_tokens == 0):
            raise ValueError(
                f"video_tokens {video_tokens}, audio_tokens {audio_tokens}: a sense has both tokens and its "
                "image_processor or feature_extractor, or neither"
            )
        missing = [slot for slot in SLOTS.values() if slot not in tokenizer.get_added_vocab()]
        if missing:
            raise ValueError(f"the tokenizer lacks {', '.join(missing)}; add them by tokenizer.add_slots")
        self.chat_template = None
        self.video_tokens = video_tokens
        self.audio_tokens = audio_tokens
        self.fused_tokens = fused_tokens
        self.frames = frames
        self.longest_s = longest_s

    def __call__(
        self, clips: Sequence[ClipInput], padding_side: str = "left", label: bool = False, max_tokens: int | None = None
    ) -> BatchFeature:
        """Prepare clips for ``generate`` or, with ``padding_side="right"`` and ``label=True``, for training.

        A sense that the model does not have is left out.

        Args:
            clips: the clips; with ``label`` each has an answer, else answers are not looked at.
            padding_side: where short prompts are filled up.
            label: whether to add what the loss is computed from.
            max_tokens: the most tokens of prompt and answer together.

        Returns:
            What ``collate`` gives.

        Raises:
            ValueError: there is no clip, or one of them has nothing to be described by, or no answer to learn from.
        """
        for index, clip in enumerate(clips):
            if label and not clip.answer:
                raise ValueError(f"clip {index} has no answer to learn from; give one or leave the clip out")
        return BatchFeature(
            self.collate([self.example(clip, label, max_tokens) for clip in clips], padding_side, label)
        )

    def example(self, clip: ClipInput, with_answer: bool = True, max_tokens: int | None = None) -> Example:
        """Prepare one clip.

        Args:
            clip: the clip.
            with_answer: whether its answer is added.
            max_tokens: as in ``tokenize``.

        Raises:
            ValueError: the clip has nothing that this model could describe, or does not fit into ``max_tokens``.
        """
        frames = clip.frames if self.image_processor is not None and clip.frames is not None else np.zeros(0, np.uint8)
        sound = clip.sound if self.feature_extractor is not None and clip.sound is not None else np.zeros(0, np.float32)
        input_ids, answer_start, token_weights = self.tokenize(
            len(frames) > 0,
            len(sound) > 0,
            clip.subtitle,
            clip.language,
            clip.phrasing,
            clip.answer if with_answer else None,
            max_tokens,
            question=clip.question,
        )
        return Example(
            input_ids,
            answer_start,
            token_weights,
            pixel_values=self.preprocess_frames(frames) if len(frames) else None,
            sound_inputs=self.preprocess_sound(sound) if len(sound) else None,
        )

    def tokenize(
        self,
        has_video: bool,
        has_audio: bool,
        subtitle: str | None,
        language: Language,
        phrasing: int = 0,
        answer: str | None = None,
        max_tokens: int | None = None,
        emphasised: Sequence[str] = (),
        emphasis: float = 1.0,
        question: str | None = None,
    ) -> tuple[NDArray[np.int64], int, NDArray[np.float32] | None]:
        """Write prompt and answer as tokens.

        The prompt is the same with and without an answer. An answer that is too long is cut at its end, and then has no
        end token, since it does not end there.

        Args:
            has_video: whether the model is given the frames.
            has_audio: whether it is given the sound.
            subtitle: what is said in the clip.
            language: that of question and answer.
            phrasing: index of the question.
            answer: the description.
            max_tokens: the most tokens of both together.
            emphasised: words of the answer that count more, in any case of letters.
            emphasis: the weight of the tokens that spell them.
            question: what is asked instead of the phrasing; None for that.

        Returns:
            ``input_ids`` of shape (L,), where the answer starts among them (L without one), and ``token_weights`` of
            shape (L - start,), None where all are 1.

        Raises:
            ValueError: the clip has nothing that this model could describe, the prompt does not fit, or there is no
                such language or phrasing.
        """
        message = user_message(
            self._tokens(has_video, has_audio),
            None if subtitle is None else without_special_tokens(self.tokenizer, subtitle),
            language,
            phrasing,
            None if question is None else without_special_tokens(self.tokenizer, question),
        )
        if not (has_video or has_audio or (subtitle and subtitle.strip())):
            raise ValueError("there are no frames, no sound and no subtitle; a description needs one of them")
        prompt = self.tokenizer.encode(render(self.tokenizer, message), add_special_tokens=False)
        room = None if max_tokens is None else max_tokens - len(prompt)
        if room is not None and room < (0 if answer is None else 1):
            raise ValueError(
                f"the prompt alone has {len(prompt)} tokens of at most {max_tokens}; "
                "allow more tokens, or give fewer queries or a shorter subtitle or question"
            )
        if answer is None:
            return np.asarray(prompt, np.int64), len(prompt), None
        words = without_special_tokens(self.tokenizer, answer.strip())
        spelt = self.tokenizer(words, add_special_tokens=False, return_offsets_mapping=True)
        ids = [*spelt["input_ids"], self.end_token_id][:room]
        weights = _weights(words, spelt["offset_mapping"], emphasised, emphasis)[:room]
        return np.asarray([*prompt, *ids], np.int64), len(prompt), weights if np.any(weights != 1) else None

    def preprocess_frames(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Prepare frames of shape (F, H, W, 3) for the vision encoder.

        Returns:
            float32 of shape (F, C, H', W').

        Raises:
            ValueError: the model does not see, or there is no frame.
        """
        if self.image_processor is None:
            raise ValueError("this model does not see: it has no vision encoder to prepare frames for")
        if frames.ndim != 4 or len(frames) == 0:
            raise ValueError(f"frames of shape {frames.shape}: give at least one, as (F, H, W, 3)")
        pixels = self.image_processor(list(frames), return_tensors="np", input_data_format="channels_last")
        return np.asarray(pixels["pixel_values"], np.float32)

    def preprocess_sound(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Prepare the sound of one clip for the audio encoder; see ``sound_inputs.prepare_sound``.

        Raises:
            ValueError: the model does not hear, or there is no sound.
        """
        if self.feature_extractor is None:
            raise ValueError("this model does not hear: it has no audio encoder to prepare sound for")
        return prepare_sound(self.feature_extractor, sound)

    def collate(
        self, examples: Sequence[Example], padding_side: str = "right", label: bool = True
    ) -> dict[str, torch.Tensor]:
        """Put examples together to a batch; see ``batching.collate``."""
        return collate(examples, int(self.tokenizer.pad_token_id), self.feature_extractor, padding_side, label)

    def decode_descriptions(self, sequences: torch.Tensor, prompt_length: int) -> list[str]:
        """Return the text of what ``generate`` gave.

        Args:
            sequences: token ids of shape (B, L), prompts included.
            prompt_length: how many tokens the prompts have, padding included.
        """
        texts = []
        for sequence in sequences[:, prompt_length:].tolist():
            end = sequence.index(self.end_token_id) if self.end_token_id in sequence else len(sequence)
            texts.append(str(self.tokenizer.decode(sequence[:end], skip_special_tokens=True)).strip())
        return texts

    @cached_property
    def end_token_id(self) -> int:
        """The token that ends an answer, at which generation stops."""
        return end_of_answer(self.tokenizer)

    @property
    def frame_size(self) -> int:
        """The shorter side in pixels to which pictures are scaled before they are cropped.

        Raises:
            ValueError: the model does not see, or its image processor does not say.
        """
        size = getattr(self.image_processor, "frame_size", None)
        if size is not None:
            return int(size)
        sizes: Mapping[str, int | None] = getattr(self.image_processor, "size", None) or {}
        sides = [side for name in ("shortest_edge", "height", "width") if (side := sizes.get(name)) is not None]
        if not sides:
            raise ValueError(f"the image processor scales to {dict(sizes)}; it has to say shortest_edge, or both sides")
        return min(sides)

    def slot_token_id(self, slot: Slot) -> int:
        """Return the id of a placeholder."""
        return int(self.tokenizer.convert_tokens_to_ids(SLOTS[slot]))

    def save_pretrained(self, save_directory: str | PathLike[str], push_to_hub: bool = False, **kwargs: Any) -> None:
        """Save tokenizer and settings to a folder, and to the hub where that is asked for (``repo_id`` in kwargs)."""
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(folder)
        self.to_json_file(folder / "processor_config.json")
        if push_to_hub:
            self.push_to_hub(kwargs.pop("repo_id", folder.name), **kwargs)

    @classmethod
    def _get_arguments_from_pretrained(
        cls, pretrained_model_name_or_path: str, processor_dict: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Any]:
        """Load the parts that the model has; transformers itself would want all of them."""
        settings = processor_dict or {}
        return [
            loader.from_pretrained(pretrained_model_name_or_path, **kwargs)
            if name == "tokenizer" or settings.get(name) is not None
            else None
            for name, loader in _LOADERS.items()
        ]

    def _tokens(self, has_video: bool, has_audio: bool) -> dict[Slot, int]:
        return {
            "audio": self.audio_tokens if has_audio else 0,
            "video": self.video_tokens if has_video else 0,
            "fused": self.fused_tokens if has_audio or has_video else 0,
        }


def _weights(
    answer: str, offsets: Sequence[tuple[int, int]], emphasised: Sequence[str], emphasis: float
) -> NDArray[np.float32]:
    """Weights of shape (T + 1,) of the tokens at T places of the answer, and of the end token."""
    weights = np.ones(len(offsets) + 1, np.float32)
    for word in {word.strip() for word in emphasised} - {""}:
        for match in re.finditer(_whole(word), answer, re.IGNORECASE):
            begin, end = match.span()
            for index, (first, last) in enumerate(offsets):
                if first < end and last > begin:
                    weights[index] = emphasis
    return weights


def _whole(word: str) -> str:
    """A pattern for a word that stands alone; scripts without spaces have no such thing."""
    before = r"(?<![A-Za-z])" if word[0].isascii() and word[0].isalpha() else ""
    after = r"(?![A-Za-z])" if word[-1].isascii() and word[-1].isalpha() else ""
    return f"{before}{re.escape(word)}{after}"
