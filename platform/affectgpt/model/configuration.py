"""What an AffectGPT is made of: its language model, its encoders, and the branches that join them."""

from typing import Any, ClassVar, Literal

from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig

Fusion = Literal["qformer", "attention", "mean"]
PreFusionKind = Literal["none", "attention", "qformer"]
Sense = Literal["vision", "audio"]


class AffectGPTBranchConfig(PreTrainedConfig):
    """The way from an encoder's features to the few vectors that the language model reads.

    Args:
        fusion: ``qformer`` gives ``queries`` vectors, ``attention`` and ``mean`` give one.
        queries: learned queries of the Q-Former.
        hidden_size: width of the branch.
        layers: layers of the Q-Former.
        heads: attention heads of the Q-Former; they divide ``hidden_size``.
        dropout: rate of dropout, in training only.
        positions: steps in time, after the subsampling, that have a learned position; what is longer is refused.
        subsampling: stride-2 convolutions over time before the fusion; each halves the steps.
        statistics: equal segments of time of each of which mean and standard deviation become two further vectors.
    """

    model_type = "affectgpt_branch"

    fusion: Fusion = "qformer"
    queries: int = 32
    hidden_size: int = 768
    layers: int = 2
    heads: int = 12
    dropout: float = 0.1
    positions: int = 8
    subsampling: int = 0
    statistics: int = 0

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if self.fusion == "qformer" and self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is no multiple of heads {self.heads}")

    @property
    def tokens(self) -> int:
        """How many vectors the branch gives the language model."""
        return (self.queries if self.fusion == "qformer" else 1) + 2 * self.statistics


class AffectGPTConfig(PreTrainedConfig):
    """The parts of an AffectGPT, each by its own configuration.

    Args:
        text_config: any causal language model's.
        vision_config: any image encoder's, or None: it sees nothing.
        audio_config: any audio encoder's, or None: it hears nothing.
        vision_branch: given exactly where ``vision_config`` is.
        audio_branch: given exactly where ``audio_config`` is.
        pre_fusion: whether, and how, both senses are fused into further vectors.
        pre_fusion_tokens: how many these are: 1 with ``attention``, the queries with ``qformer``.
        video_token_id: placeholder in the input ids, repeated as often as ``vision_branch`` gives vectors.
        audio_token_id: the same for ``audio_branch``.
        fused_token_id: the same for the pre-fusion.
    """

    model_type = "affectgpt"
    sub_configs: ClassVar[dict[str, type[PreTrainedConfig]]] = {
        "text_config": AutoConfig,  # type: ignore[dict-item]
        "vision_config": AutoConfig,  # type: ignore[dict-item]
        "audio_config": AutoConfig,  # type: ignore[dict-item]
        "vision_branch": AffectGPTBranchConfig,
        "audio_branch": AffectGPTBranchConfig,
    }

    text_config: dict[str, Any] | PreTrainedConfig | None = None
    vision_config: dict[str, Any] | PreTrainedConfig | None = None
    audio_config: dict[str, Any] | PreTrainedConfig | None = None
    vision_branch: dict[str, Any] | AffectGPTBranchConfig | None = None
    audio_branch: dict[str, Any] | AffectGPTBranchConfig | None = None
    pre_fusion: PreFusionKind = "none"
    pre_fusion_tokens: int = 1
    video_token_id: int | None = None
    audio_token_id: int | None = None
    fused_token_id: int | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        self.text_config = _of_its_class(self.text_config) or CONFIG_MAPPING["qwen3"]()
        self.vision_config = _of_its_class(self.vision_config)
        self.audio_config = _of_its_class(self.audio_config)
        if isinstance(self.vision_branch, dict):
            self.vision_branch = AffectGPTBranchConfig(**self.vision_branch)
        if isinstance(self.audio_branch, dict):
            self.audio_branch = AffectGPTBranchConfig(**self.audio_branch)
        self.tie_word_embeddings = bool(getattr(self.text_config, "tie_word_embeddings", False))
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        self._check_senses()

    def _check_senses(self) -> None:
        for sense, encoder, branch, token in (
            ("vision", self.vision_config, self.vision_branch, self.video_token_id),
            ("audio", self.audio_config, self.audio_branch, self.audio_token_id),
        ):
            if (encoder is None) != (branch is None):
                raise ValueError(f"{sense}_config and {sense}_branch belong together; give both or neither")
            if branch is not None and token is None:
                raise ValueError(f"{sense}_branch: its placeholder's token id is missing")
        if self.pre_fusion == "none":
            return
        if self.vision_branch is None or self.audio_branch is None:
            raise ValueError(f"pre_fusion {self.pre_fusion} fuses sight and sound; give both branches")
        if self.fused_token_id is None:
            raise ValueError("fused_token_id is missing; pre_fusion needs its placeholder")
        if self.pre_fusion == "attention" and self.pre_fusion_tokens != 1:
            raise ValueError(f"pre_fusion attention gives 1 vector, not pre_fusion_tokens {self.pre_fusion_tokens}")


def _of_its_class(config: dict[str, Any] | PreTrainedConfig | None) -> PreTrainedConfig | None:
    if not isinstance(config, dict):
        return config
    if "model_type" not in config:
        raise ValueError("a part's configuration has no model_type, which says whose it is")
    return CONFIG_MAPPING[config["model_type"]](**config)
