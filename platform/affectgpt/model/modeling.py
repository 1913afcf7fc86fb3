"""AffectGPT: a language model that reads what encoders and branches make of a clip's frames and sound."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast

from affectgpt.model.branches import Branch, QFormerFusion
from affectgpt.model.configuration import AffectGPTBranchConfig, AffectGPTConfig, Sense
from affectgpt.model.encoders import encoder_from_config, feature_size
from affectgpt.model.loss import answer_columns, answer_loss
from affectgpt.model.pre_fusion import PreFusion
from affectgpt.model.senses import (
    Features,
    encode_audio,
    encode_video,
    fuse_audio,
    fuse_video,
    given,
    no_audio,
    no_video,
    put_in_place,
)

Part = TypeVar("Part", bound=nn.Module)

SENSE_INPUTS = (
    "pixel_values",
    "frame_mask",
    "video_features",
    "sound_inputs",
    "sound_mask",
    "audio_features",
    "audio_mask",
)


class AffectGPTForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """Describes how a person in a clip feels, from frames, sound and the words of the prompt.

    The prompt holds placeholders for the vectors of the senses; see ``AffectGPTConfig``. In training and wherever
    labels are given every part is run for every batch, also for one in which no clip has its sense, so that all
    workers of a distributed run do the same.

    Attributes:
        language_model: any causal language model.
        vision_encoder, audio_encoder: None where there is no such sense, or in a model without encoders.
        vision_branch, audio_branch: None where there is no such sense.
        pre_fusion: None where the configuration has none.
    """

    config_class = AffectGPTConfig
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _skip_keys_device_placement: ClassVar[list[str]] = ["past_key_values"]  # type: ignore[misc]

    def __init__(self, config: AffectGPTConfig, with_encoders: bool = True) -> None:
        """Make the model, its weights drawn at random.

        Args:
            config: of its parts.
            with_encoders: without, it takes features in the place of frames and sound, and has no encoders' weights.
        """
        super().__init__(config)
        assert isinstance(config.text_config, PreTrainedConfig)
        self.language_model = AutoModelForCausalLM.from_config(config.text_config)
        self._language_model_inputs = frozenset(inspect.signature(self.language_model.forward).parameters)
        self.vision_encoder = _encoder(config.vision_config, "vision") if with_encoders else None
        self.audio_encoder = _encoder(config.audio_config, "audio") if with_encoders else None
        width = feature_size(config.text_config)
        self.vision_branch = _branch(config.vision_branch, config.vision_config, width)
        self.audio_branch = _branch(config.audio_branch, config.audio_config, width)
        self.pre_fusion = None if config.pre_fusion == "none" else PreFusion(config, width)
        if not with_encoders:
            self._keys_to_ignore_on_load_unexpected = [r"^vision_encoder\.", r"^audio_encoder\."]
        self.post_init()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if isinstance(module, (Branch, QFormerFusion)):
            module.initialize()

    def get_input_embeddings(self) -> nn.Module:
        """Return the language model's embedding of tokens."""
        embeddings: nn.Module = self.language_model.get_input_embeddings()
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the language model's embedding of tokens."""
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module | None:
        """Return what makes logits of the language model's last states."""
        embeddings: nn.Module | None = self.language_model.get_output_embeddings()
        return embeddings

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace what makes logits of the language model's last states."""
        self.language_model.set_output_embeddings(new_embeddings)

    def train(self, mode: bool = True) -> "AffectGPTForConditionalGeneration":
        """Set training or evaluation; frozen encoders stay in evaluation, so that they drop and mask nothing."""
        super().train(mode)
        for encoder in (self.vision_encoder, self.audio_encoder):
            if encoder is not None and not any(parameter.requires_grad for parameter in encoder.parameters()):
                encoder.eval()
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "AffectGPTForConditionalGeneration":
        """Move or cast the model, but leave what it computes with, and does not save, as precise as it is.

        Rotary frequencies in bfloat16 put late tokens in other places than those the weights were trained with.
        """
        computed = [
            (module, name, buffer)
            for module in self.modules()
            for name, buffer in module.named_buffers(recurse=False)
            if name in module._non_persistent_buffers_set
        ]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for module, name, buffer in computed:
            moved = module.get_buffer(name)
            if moved.dtype != buffer.dtype:
                setattr(module, name, buffer.to(moved.device))
        return self

    def encode(
        self,
        pixel_values: Tensor | None = None,
        frame_mask: Tensor | None = None,
        sound_inputs: Tensor | None = None,
        sound_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Run the encoders alone.

        Args:
            pixel_values: (B, F, C, H, W).
            frame_mask: (B, F) bool; None is all of them.
            sound_inputs: (B, ...), as ``encoders.encode_sound`` takes them.
            sound_mask: (B, S); None is all of it.

        Returns:
            What ``forward`` takes in their place: video_features (B, F, P, D) and frame_mask (B, F), audio_features
            (B, T, D) and audio_mask (B, T), each where its input was given.

        Raises:
            ValueError: an input was given for which the model has no encoder.
        """
        inputs: dict[str, Tensor] = {}
        if pixel_values is not None:
            video = encode_video(self._needed(self.vision_encoder, "pixel_values"), pixel_values, frame_mask)
            inputs |= {"video_features": video.values, "frame_mask": video.mask}
        if sound_inputs is not None:
            audio = encode_audio(self._needed(self.audio_encoder, "sound_inputs"), sound_inputs, sound_mask)
            inputs |= {"audio_features": audio.values, "audio_mask": audio.mask}
        return inputs

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        loss_weights: Tensor | None = None,
        num_items: Tensor | float | None = None,
        pixel_values: Tensor | None = None,
        frame_mask: Tensor | None = None,
        video_features: Tensor | None = None,
        sound_inputs: Tensor | None = None,
        sound_mask: Tensor | None = None,
        audio_features: Tensor | None = None,
        audio_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        return_logits: bool = True,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Predict the next token at each place, and the loss where labels are given.

        Tensors of the senses are aligned with the batch: a clip without a sense has a row whose mask is all False,
        and no placeholders of it.

        Args:
            input_ids: (B, L) int64.
            attention_mask: (B, L), 0 at padding; None is no padding.
            labels: (B, L) int64, -100 where nothing is to be learnt; not shifted.
            loss_weights: (B, L) float, of each label; None is 1.
            num_items: what the weighted sum of the losses is divided by; None is the sum of the labels' weights.
            pixel_values: (B, F, C, H, W), frames.
            frame_mask: (B, F) bool, of ``pixel_values`` or ``video_features``; None is all of them.
            video_features: (B, F, P, D), what the encoder made of the frames, in their place.
            sound_inputs: (B, ...), as ``encoders.encode_sound`` takes them.
            sound_mask: (B, S), of ``sound_inputs``; None is all of it.
            audio_features: (B, T, D), what the encoder made of the sound, in its place.
            audio_mask: (B, T) bool, of ``audio_features``; None is all of them.
            position_ids: (B, L); None counts what ``attention_mask`` leaves.
            past_key_values: of the tokens before.
            inputs_embeds: (B, L, D), in the place of ``input_ids`` and of every sense.
            use_cache: whether to give the keys and values.
            logits_to_keep: how many last places have logits, or which; 0 is all. Without effect where labels are given.
            return_logits: False saves memory: logits are made only where labels need them, and none are given.
            kwargs: further inputs of the language model.

        Returns:
            loss (where labels are given), logits (B, L or fewer, V), past_key_values.

        Raises:
            ValueError: the placeholders do not fit the senses that are given, or a sense is given that the model lacks.
        """
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("give input_ids or inputs_embeds")
            starts = past_key_values is None or past_key_values.get_seq_length() == 0
            inputs_embeds = self.get_input_embeddings()(input_ids)
            if starts:
                every_part = self.training or labels is not None or self.pre_fusion is not None
                blank = input_ids if every_part else None
                video = self._video(pixel_values, video_features, frame_mask, blank)
                audio = self._audio(sound_inputs, sound_mask, audio_features, audio_mask, blank)
                inputs_embeds = self._with_senses(input_ids, inputs_embeds, video, audio)
        if position_ids is None and attention_mask is not None and attention_mask.ndim == 2:
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[:, -inputs_embeds.shape[1] :]
        columns = None if labels is None else answer_columns(labels)
        logits, output = self._language_model_output(
            inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep if columns is None else 0 if return_logits else columns,
            **kwargs,
        )
        if labels is not None and columns is not None:
            answers = logits[:, columns] if return_logits else logits
            output["loss"] = answer_loss(answers, labels, columns, loss_weights, num_items)
        if return_logits:
            output["logits"] = logits
        return output

    def _language_model_output(
        self, inputs_embeds: Tensor, logits_to_keep: int | Tensor, **inputs: Any
    ) -> tuple[Tensor, CausalLMOutputWithPast]:
        """Run the language model; return its logits, and what else it gives."""
        known = {name: value for name, value in inputs.items() if value is not None}
        if "position_ids" not in self._language_model_inputs:
            known.pop("position_ids", None)
        if "logits_to_keep" in self._language_model_inputs:
            known["logits_to_keep"] = logits_to_keep
        output = self.language_model(inputs_embeds=inputs_embeds, **known)
        logits = output.logits
        if "logits_to_keep" not in self._language_model_inputs:
            logits = logits[:, slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep]
        return logits, CausalLMOutputWithPast(
            past_key_values=output.past_key_values,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    # Each sense is encoded or stood in for at the same point: ZeRO-3 wants the parts run in one order by all workers.
    def _video(
        self, pixel_values: Tensor | None, features: Tensor | None, mask: Tensor | None, blank: Tensor | None
    ) -> Features | None:
        if pixel_values is not None:
            return encode_video(self._needed(self.vision_encoder, "pixel_values"), pixel_values, mask)
        if features is None and self.vision_branch is not None and blank is not None:
            return no_video(self.vision_encoder, self.config.vision_config, blank)
        return given(features, mask)

    def _audio(
        self,
        sound_inputs: Tensor | None,
        sound_mask: Tensor | None,
        features: Tensor | None,
        mask: Tensor | None,
        blank: Tensor | None,
    ) -> Features | None:
        if sound_inputs is not None:
            return encode_audio(self._needed(self.audio_encoder, "sound_inputs"), sound_inputs, sound_mask)
        if features is None and self.audio_branch is not None and blank is not None:
            return no_audio(self.audio_encoder, self.config.audio_config, blank)
        return given(features, mask)

    def _with_senses(self, input_ids: Tensor, embeds: Tensor, video: Features | None, audio: Features | None) -> Tensor:
        """Return the embeddings (B, L, D) of the prompts with the vectors of the senses in their places."""
        seen = None if video is None else fuse_video(self._needed(self.vision_branch, "video"), video)
        heard = None if audio is None else fuse_audio(self._needed(self.audio_branch, "sound"), audio)
        has_video = None if video is None else video.mask.any(-1)
        has_audio = None if audio is None else audio.mask.any(-1)
        embeds = put_in_place(embeds, self._places(input_ids, "video_token_id"), seen, has_video, "video")
        embeds = put_in_place(embeds, self._places(input_ids, "audio_token_id"), heard, has_audio, "sound")
        if self.pre_fusion is None:
            return embeds
        assert has_video is not None and has_audio is not None
        present = torch.stack((has_video, has_audio), dim=-1)
        fused = self.pre_fusion(seen, heard, present)
        places = self._places(input_ids, "fused_token_id")
        return put_in_place(embeds, places, fused, present.any(-1), "both senses together")

    def _places(self, input_ids: Tensor, token: str) -> Tensor:
        token_id = getattr(self.config, token)
        return torch.zeros_like(input_ids, dtype=torch.bool) if token_id is None else input_ids == token_id

    def prepare_inputs_for_generation(  # type: ignore[override]
        self, input_ids: Tensor, *, is_first_iteration: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """Prepare one step; the senses are read in the first one, and from the keys and values after it."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(  # type: ignore[misc]
            input_ids,  # type: ignore[arg-type]
            is_first_iteration=is_first_iteration,
            **kwargs,
        )
        if not is_first_iteration and kwargs.get("use_cache", True):
            for name in SENSE_INPUTS:
                inputs.pop(name, None)
        return inputs

    @torch.no_grad()
    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Generate as ``GenerationMixin.generate`` does, from what ``forward`` takes; never placeholders.

        Batches are padded on the left. The encoders run once for each clip, however many beams there are.
        """
        raw = {name: kwargs.pop(name) for name in ("pixel_values", "sound_inputs", "sound_mask") if name in kwargs}
        kwargs |= self.encode(frame_mask=kwargs.get("frame_mask"), **raw)
        config = kwargs.get("generation_config") or self.generation_config
        suppressed = set(kwargs.get("suppress_tokens") or config.suppress_tokens or ()) | set(self._placeholders())
        return super().generate(*args, **kwargs | {"suppress_tokens": sorted(suppressed)})  # type: ignore[misc]

    def _placeholders(self) -> list[int]:
        tokens = (self.config.video_token_id, self.config.audio_token_id, self.config.fused_token_id)
        return [token for token in tokens if token is not None]

    @staticmethod
    def _needed(part: Part | None, name: str) -> Part:
        if part is None:
            raise ValueError(f"{name}: the model has no part that takes it; leave it out, or load the model with it")
        return part


def load_strictly(
    path: str | Path, with_encoders: bool = True, dtype: torch.dtype | None = None
) -> AffectGPTForConditionalGeneration:
    """Load an AffectGPT, refusing a checkpoint that does not fit it.

    Args:
        path: a folder, or a name on the Hugging Face hub.
        with_encoders: without, the encoders' weights are left aside, whether or not the checkpoint has them.
        dtype: of the weights; None is what they were saved in.

    Raises:
        OSError: there is no checkpoint.
        ValueError: it lacks weights, or has others than the model or of other shapes; the message names them.
    """
    loaded: Any = AffectGPTForConditionalGeneration.from_pretrained(
        str(path),
        with_encoders=with_encoders,
        dtype="auto" if dtype is None else dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    model: AffectGPTForConditionalGeneration
    model, info = loaded
    wrong = {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "of another shape": sorted(key for key, *_ in info["mismatched_keys"]),
    }
    complaints = [f"{kind}: {', '.join(keys)}" for kind, keys in wrong.items() if keys]
    if complaints:
        raise ValueError(f"the weights in {path} do not fit the model: {'; '.join(complaints)}")
    return model


def _encoder(config: Any, sense: Sense) -> PreTrainedModel | None:
    return None if config is None else encoder_from_config(config, sense)


def _branch(branch: Any, encoder: Any, text_hidden_size: int) -> Branch | None:
    assert branch is None or isinstance(branch, AffectGPTBranchConfig)
    return None if branch is None else Branch(branch, feature_size(encoder), text_hidden_size)
