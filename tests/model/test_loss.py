import pytest
import torch

from affectgpt.model.loss import IGNORED, answer_columns, answer_loss

LABELS = torch.tensor([[IGNORED, IGNORED, 3, 1, IGNORED], [IGNORED, 2, 0, IGNORED, IGNORED]])


def test_columns_are_those_before_a_label() -> None:
    assert answer_columns(LABELS).tolist() == [0, 1, 2]
    # Nothing stands before the first token, so that its label is not learnt.
    assert answer_columns(torch.tensor([[4, IGNORED]])).tolist() == []


def test_the_loss_is_the_weighted_sum_divided() -> None:
    columns = answer_columns(LABELS)
    logits = torch.randn(2, 3, 5)
    weights = torch.rand(2, 5) + 0.1
    losses = torch.stack(
        [
            weights[row, place] * -logits[row, place - 1].log_softmax(-1)[LABELS[row, place]]
            for row, place in ((0, 2), (0, 3), (1, 1), (1, 2))
        ]
    )
    counted = weights[0, 2] + weights[0, 3] + weights[1, 1] + weights[1, 2]
    torch.testing.assert_close(answer_loss(logits, LABELS, columns, weights, None), losses.sum() / counted)
    torch.testing.assert_close(answer_loss(logits, LABELS, columns, weights, 9), losses.sum() / 9)


def test_logits_of_half_precision_are_summed_in_single() -> None:
    columns = answer_columns(LABELS)
    logits = torch.randn(2, 3, 5).bfloat16()
    loss = answer_loss(logits, LABELS, columns, None, None)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(float(answer_loss(logits.float(), LABELS, columns, None, None)))


def test_nothing_to_learn_is_a_loss_of_zero() -> None:
    labels = torch.full((2, 4), IGNORED)
    logits = torch.randn(2, 0, 5, requires_grad=True)
    loss = answer_loss(logits, labels, answer_columns(labels), None, None)
    loss.backward()
    assert float(loss) == 0.0
