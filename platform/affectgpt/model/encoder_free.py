"""Encoders without weights: patches of the frames and log-mel spectra of the sound, behind the face of any encoder."""

from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class PatchFeaturesConfig(PreTrainedConfig):
    """Square patches of square frames.

    Args:
        patch_size: side of a patch, in pixels.
        frame_size: side of a frame, in pixels; a multiple of ``patch_size``.
    """

    model_type = "affectgpt_patches"

    patch_size: int = 8
    frame_size: int = 32

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if self.frame_size % self.patch_size:
            raise ValueError(f"frame_size {self.frame_size} is no multiple of patch_size {self.patch_size}")

    @property
    def hidden_size(self) -> int:
        """Values in a patch: its pixels in three colours."""
        return 3 * self.patch_size**2

    @property
    def image_size(self) -> int:
        """Side of a frame, in pixels, by the name that image encoders have for it."""
        return self.frame_size


class PatchFeaturesModel(PreTrainedModel):
    """Cuts frames into their patches, row by row."""

    config_class = PatchFeaturesConfig
    main_input_name = "pixel_values"

    def __init__(self, config: PatchFeaturesConfig) -> None:
        super().__init__(config)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, pixel_values: Tensor) -> BaseModelOutput:
        """Return patches (N, P, 3 * patch_size ** 2) of frames (N, 3, H, W)."""
        size = self.config.patch_size
        patches = nn.functional.unfold(pixel_values, kernel_size=size, stride=size)
        return BaseModelOutput(last_hidden_state=patches.transpose(1, 2))  # type: ignore[arg-type]


class LogMelConfig(PreTrainedConfig):
    """Spectra as the feature extractor gives them.

    Args:
        feature_size: values per step of time.
    """

    model_type = "affectgpt_log_mel"

    feature_size: int = 43

    @property
    def hidden_size(self) -> int:
        """Values per step of time, by the name that encoders have for it."""
        return self.feature_size


class LogMelModel(PreTrainedModel):
    """Hands on the feature extractor's output."""

    config_class = LogMelConfig
    main_input_name = "input_features"

    def __init__(self, config: LogMelConfig) -> None:
        super().__init__(config)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_features: Tensor) -> BaseModelOutput:
        """Return the spectra (N, T, feature_size) as they came."""
        return BaseModelOutput(last_hidden_state=input_features)  # type: ignore[arg-type]
