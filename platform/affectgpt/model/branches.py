"""The branches: from an encoder's features over time to the few vectors that the language model reads."""

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel
from transformers import initialization as init

from affectgpt.model.configuration import AffectGPTBranchConfig

VARIANCE_FLOOR = 1e-6


class Branch(nn.Module):
    """Projects the features of one sense, puts their place in time to them, and fuses them.

    The Q-Former is that of BLIP-2 (Li et al., arXiv 2301.12597), used over time as in Video-LLaMA (Zhang et al., arXiv
    2306.02858); the fusion by attention is a learned weighted mean, as in arXiv 2501.16566.
    """

    def __init__(self, config: AffectGPTBranchConfig, feature_size: int, text_hidden_size: int) -> None:
        """Make the branch.

        Args:
            config: its kind and sizes.
            feature_size: width of the features.
            text_hidden_size: width of the language model.
        """
        super().__init__()
        width = config.hidden_size
        self.config = config
        self.projection = nn.Linear(feature_size, width)
        self.subsampling = nn.ModuleList(
            nn.Conv1d(width, width, kernel_size=3, stride=2, padding=1) for _ in range(config.subsampling)
        )
        self.positions = nn.Embedding(config.positions, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.fusion = _fusion(config)
        self.projector = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, text_hidden_size))
        self.statistics_projector = (
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, text_hidden_size)) if config.statistics else None
        )
        # Means and spreads share a projector, and are told apart by their places.
        self.places = nn.Parameter(torch.empty(config.tokens, text_hidden_size))

    def initialize(self) -> None:
        """Draw the places, and give the layers that read the features weights that keep their variance."""
        init.normal_(self.places, std=self.places.shape[-1] ** -0.5)
        init.xavier_uniform_(self.projection.weight)
        for convolution in self.subsampling:
            assert isinstance(convolution, nn.Conv1d)
            init.kaiming_uniform_(convolution.weight, nonlinearity="relu")

    def forward(self, features: Tensor, mask: Tensor, positions: Tensor, tokens_per_step: int = 1) -> Tensor:
        """Fuse the features of a batch.

        Args:
            features: (B, T, D), step by step.
            mask: (B, T) bool, True where there are features; it may be False for a whole row.
            positions: (B, T) int64, the step in time of each.
            tokens_per_step: how many feature vectors in a row belong to one step, and so share its position.

        Returns:
            (B, ``config.tokens``, ``text_hidden_size``); the values of a row without features mean nothing.

        Raises:
            ValueError: there are more steps than learned positions.
        """
        features = features.masked_fill(~mask[..., None], 0.0)
        states = self.projection(features.to(self.projection.weight.dtype))
        for convolution in self.subsampling:
            states, mask, positions = _halve(convolution, states, mask, positions, tokens_per_step)
        if (steps := states.shape[1] // tokens_per_step) > self.config.positions:
            raise ValueError(
                f"a clip has {steps} steps in time, but the branch has positions for {self.config.positions}; "
                "cut the clip, or build the model with more"
            )
        keys = self.dropout(self.norm(states + self.positions(positions)))
        vectors: Tensor = self.projector(self.fusion(keys, with_one(mask)))
        if self.statistics_projector is not None:
            statistics = segment_statistics(states, mask, self.config.statistics)
            vectors = torch.cat((vectors, self.statistics_projector(statistics)), dim=1)
        return vectors + self.places


class QFormerFusion(nn.Module):
    """Learned queries that look at the states by cross-attention in every layer."""

    def __init__(self, width: int, queries: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.empty(1, queries, width))
        self.qformer = Blip2QFormerModel(
            Blip2QFormerConfig(
                hidden_size=width,
                encoder_hidden_size=width,
                intermediate_size=4 * width,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                cross_attention_frequency=1,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
                # LeCun et al., Efficient BackProp (1998): layers keep the variance, however narrow they are.
                initializer_range=width**-0.5,
            )
        )

    def initialize(self) -> None:
        """Draw the queries."""
        init.normal_(self.queries, std=0.02)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (B, queries, width) of states (B, T, width) and their mask (B, T), no row of which is all False."""
        queries = self.queries.expand(states.shape[0], -1, -1)
        fused: Tensor = self.qformer(
            query_embeds=queries, encoder_hidden_states=states, encoder_attention_mask=mask.long()
        ).last_hidden_state
        return fused


class AttentionFusion(nn.Module):
    """The mean of the states, weighted by learned scores."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (B, 1, width) of states (B, T, width) and their mask (B, T), no row of which is all False."""
        scores = self.score(states).squeeze(-1).float().masked_fill(~mask, float("-inf"))
        mean: Tensor = scores.softmax(-1).to(states.dtype).unsqueeze(1) @ states
        return mean


class MeanFusion(nn.Module):
    """The mean of the states."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (B, 1, width) of states (B, T, width) and their mask (B, T), no row of which is all False."""
        return masked_mean(states, mask).unsqueeze(1)


def _fusion(config: AffectGPTBranchConfig) -> nn.Module:
    width = config.hidden_size
    match config.fusion:
        case "qformer":
            return QFormerFusion(width, config.queries, config.layers, config.heads, config.dropout)
        case "attention":
            return AttentionFusion(width)
        case "mean":
            return MeanFusion()


def _halve(
    convolution: nn.Module, states: Tensor, mask: Tensor, positions: Tensor, tokens_per_step: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Halve the steps in time: states (B, T, width), mask and positions (B, T) of T = steps * tokens_per_step."""
    batch, _, width = states.shape
    # Padding must be zero, as it is beyond the end of a batch that has none.
    states = states.masked_fill(~mask[..., None], 0.0).view(batch, -1, tokens_per_step, width)
    over_time = states.permute(0, 2, 3, 1).reshape(batch * tokens_per_step, width, -1)
    halved = nn.functional.gelu(convolution(over_time)).view(batch, tokens_per_step, width, -1)
    states = halved.permute(0, 3, 1, 2).reshape(batch, -1, width)
    mask = mask.view(batch, -1, tokens_per_step)[:, ::2].flatten(1, 2)
    positions = positions.reshape(batch, -1, tokens_per_step)[:, ::2].flatten(1, 2) // 2
    return states, mask, positions


def with_one(mask: Tensor) -> Tensor:
    """Return a mask (B, T) in which the first place of each row that is all False is True: softmax needs one."""
    first = torch.zeros_like(mask)
    first[:, 0] = True
    return mask | (first & ~mask.any(-1, keepdim=True))


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the means (B, width) of states (B, T, width) where the mask (B, T) is True."""
    weights = mask.float() / mask.sum(-1, keepdim=True).clamp(min=1)
    return (weights.unsqueeze(1) @ states.float()).squeeze(1).to(states.dtype)


def segment_statistics(states: Tensor, mask: Tensor, segments: int) -> Tensor:
    """Return mean and standard deviation over each of equal segments of what the mask leaves.

    Args:
        states: (B, T, width).
        mask: (B, T) bool.
        segments: how many.

    Returns:
        (B, 2 * segments, width): the means, then the standard deviations; zeros for a segment that no state fell into.
    """
    rank = mask.cumsum(-1) - 1
    count = mask.sum(-1, keepdim=True).clamp(min=1)
    segment = (rank * segments // count).clamp(0, segments - 1)
    member = (nn.functional.one_hot(segment, segments) * mask[..., None]).float()
    sizes = member.sum(1).clamp(min=1)[..., None]
    values = states.float()
    means = member.transpose(1, 2) @ values / sizes
    deviations = (values - member @ means).square()
    variances = member.transpose(1, 2) @ deviations / sizes
    spreads = (variances + VARIANCE_FLOOR).sqrt() - VARIANCE_FLOOR**0.5
    return torch.cat((means, spreads), dim=1).to(states.dtype)
