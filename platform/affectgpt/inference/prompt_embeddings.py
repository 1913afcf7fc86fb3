"""Prompts as embeddings: encoders and branches run here, and the language model runs in an engine of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutputWithPast

from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.model.processing import Example


class PromptEmbedder:
    """An AffectGPT without its language model: it gives what the language model reads.

    Not for use by several threads at once.
    """

    def __init__(self, model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor) -> None:
        """Take over a model. Its language model is let go, but for the embedding of tokens.

        Args:
            model: with its encoders, on its device; it can generate no more.
            processor: its processor.
        """
        self._model = model
        self._model.train(False)
        self._model.language_model = _GivesBackItsInput(model.get_input_embeddings())
        self._processor = processor

    @torch.inference_mode()
    def embed(self, examples: Sequence[Example]) -> list[Tensor]:
        """Run the encoders and branches on clips, all at once.

        Args:
            examples: prepared clips without answers, at least one.

        Returns:
            For each of them the embeddings of its prompt, of shape (L, D), on the CPU.
        """
        batch = self._processor.collate(examples, "left", label=False)
        output = self._model(**{name: tensor.to(self._model.device) for name, tensor in batch.items()})
        embeddings = output.logits.cpu()
        return [row[-len(example.input_ids) :].clone() for row, example in zip(embeddings, examples, strict=True)]


class _GivesBackItsInput(nn.Module):
    """Stands where a language model was, and returns the embeddings that it is given."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def forward(self, inputs_embeds: Tensor, **others: Any) -> CausalLMOutputWithPast:
        output = CausalLMOutputWithPast()
        output["logits"] = inputs_embeds
        return output


@torch.inference_mode()
def likely_next_tokens(
    model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor, example: Example, most: int
) -> list[int]:
    """Return the tokens with which an answer is likeliest to begin, the likeliest first; placeholders are none.

    Args:
        model: the whole model.
        processor: its processor.
        example: a prepared clip.
        most: how many tokens to return.
    """
    batch = processor.collate([example], "left", label=False)
    output = model(**{name: tensor.to(model.device) for name, tensor in batch.items()}, logits_to_keep=1)
    scores = output.logits[0, -1].float()
    scores[placeholders(model)] = -torch.inf
    return [int(token) for token in scores.topk(min(most, len(scores))).indices]


def placeholders(model: AffectGPTForConditionalGeneration) -> list[int]:
    """Return the tokens that stand for sound and sight in a prompt, and are never written."""
    config = model.config
    tokens = (config.video_token_id, config.audio_token_id, config.fused_token_id)
    return [token for token in tokens if token is not None]


def save_language_model(model: AffectGPTForConditionalGeneration, folder: Path) -> None:
    """Save the language model of a model as a plain Hugging Face checkpoint, in safetensors.

    Args:
        model: the whole model; its language model is a plain one, as ``train`` leaves it, which merges adapters.
        folder: where the files go.
    """
    model.language_model.save_pretrained(folder)
