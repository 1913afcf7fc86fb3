"""Pre-fusion: further vectors that hold sight and sound together, before the language model reads either."""

import torch
from torch import Tensor, nn

from affectgpt.model.branches import QFormerFusion, with_one
from affectgpt.model.configuration import AffectGPTBranchConfig, AffectGPTConfig


class PreFusion(nn.Module):
    """Fuses the vectors of both branches into vectors that stand beside them, as in arXiv 2501.16566."""

    def __init__(self, config: AffectGPTConfig, text_hidden_size: int) -> None:
        """Make it.

        Args:
            config: of a model with both branches; the Q-Former has the sizes of the vision branch.
            text_hidden_size: width of the language model, D.
        """
        super().__init__()
        branch = config.vision_branch
        assert isinstance(branch, AffectGPTBranchConfig)
        width = branch.hidden_size if config.pre_fusion == "qformer" else text_hidden_size
        self.fusion: nn.Module = (
            SensesByQFormer(branch, config.pre_fusion_tokens, text_hidden_size)
            if config.pre_fusion == "qformer"
            else SensesByAttention(text_hidden_size)
        )
        self.projector = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, text_hidden_size))

    def forward(self, video: Tensor, audio: Tensor, present: Tensor) -> Tensor:
        """Fuse the vectors of a batch.

        Args:
            video: (B, K, D) of the vision branch.
            audio: (B, M, D) of the audio branch.
            present: (B, 2) bool, whether a clip has video, and sound; what it has not is not looked at.

        Returns:
            (B, ``pre_fusion_tokens``, D); the values of a row that has neither mean nothing.
        """
        # The branches give arbitrary values for what a clip has not.
        video = video.masked_fill(~present[:, :1, None], 0.0)
        audio = audio.masked_fill(~present[:, 1:, None], 0.0)
        fused: Tensor = self.projector(self.fusion(video, audio, with_one(present)))
        return fused


class SensesByAttention(nn.Module):
    """The mean vectors of both senses, each weighted by a score that both together give it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(2 * width, 2)

    def forward(self, video: Tensor, audio: Tensor, present: Tensor) -> Tensor:
        """Return (B, 1, D) of video (B, K, D), audio (B, M, D) and present (B, 2), no row of which is all False."""
        senses = torch.stack((video.mean(1), audio.mean(1)), dim=1)
        scores = self.score(senses.flatten(1)).float().masked_fill(~present, float("-inf"))
        mean: Tensor = scores.softmax(-1).to(senses.dtype).unsqueeze(1) @ senses
        return mean


class SensesByQFormer(nn.Module):
    """A Q-Former over the vectors of both senses."""

    def __init__(self, branch: AffectGPTBranchConfig, queries: int, text_hidden_size: int) -> None:
        super().__init__()
        width = branch.hidden_size
        self.projection = nn.Linear(text_hidden_size, width)
        self.senses = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width)
        self.qformer = QFormerFusion(width, queries, branch.layers, branch.heads, branch.dropout)

    def forward(self, video: Tensor, audio: Tensor, present: Tensor) -> Tensor:
        """Return (B, queries, width) of what ``SensesByAttention`` takes."""
        sense = torch.tensor([0] * video.shape[1] + [1] * audio.shape[1], device=video.device)
        states = self.norm(self.projection(torch.cat((video, audio), dim=1)) + self.senses(sense))
        fused: Tensor = self.qformer(states, present[:, sense])
        return fused
