"""The loss: cross entropy of the answer's tokens, weighted, over the batch."""

import torch
from torch import Tensor

IGNORED = -100


def answer_columns(labels: Tensor) -> Tensor:
    """Return the places (C,) whose logits some clip's loss needs: those before a label.

    Args:
        labels: (B, L) int64, not shifted; ``IGNORED`` where nothing is to be learnt.
    """
    return (labels[:, 1:] != IGNORED).any(0).nonzero().squeeze(-1)


def answer_loss(
    logits: Tensor, labels: Tensor, columns: Tensor, weights: Tensor | None, num_items: Tensor | float | None
) -> Tensor:
    """Return the weighted sum of the labels' cross entropies, divided; 0 where there are no labels.

    Args:
        logits: (B, C, V), at ``columns``.
        labels: (B, L) int64, not shifted.
        columns: (C,), what ``answer_columns`` gave for the labels.
        weights: (B, L), of each label; None is 1.
        num_items: the divisor; None is the sum of the labels' weights.
    """
    targets = labels[:, columns + 1]
    learnt = targets != IGNORED
    losses = torch.nn.functional.cross_entropy(logits[learnt].float(), targets[learnt], reduction="none")
    weight = torch.ones_like(losses) if weights is None else weights[:, columns + 1][learnt].float()
    divisor = weight.sum().clamp(min=torch.finfo(torch.float32).tiny) if num_items is None else num_items
    return (weight * losses).sum() / divisor
