from typing import Any

import pytest
import torch
from torch import Tensor

from affectgpt.model.branches import Branch, masked_mean, segment_statistics, with_one
from affectgpt.model.configuration import AffectGPTBranchConfig

FEATURES, TEXT = 6, 10
KINDS: list[dict[str, Any]] = [
    {"fusion": "qformer"},
    {"fusion": "attention"},
    {"fusion": "mean"},
    {"fusion": "qformer", "statistics": 2},
    {"fusion": "attention", "subsampling": 1},
    {"fusion": "mean", "subsampling": 2, "statistics": 1},
]


def branch(**options: Any) -> Branch:
    torch.manual_seed(3)
    settings = {"queries": 3, "hidden_size": 8, "layers": 2, "heads": 2, "dropout": 0.0, "positions": 16} | options
    made = Branch(AffectGPTBranchConfig(**settings), FEATURES, TEXT)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


def inputs(lengths: list[int], steps: int, tokens_per_step: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    features = torch.randn(len(lengths), steps * tokens_per_step, FEATURES)
    there = torch.arange(steps) < torch.tensor(lengths)[:, None]
    positions = torch.arange(steps).repeat_interleave(tokens_per_step).expand(len(lengths), -1)
    return features, there.repeat_interleave(tokens_per_step, 1), positions


@pytest.mark.parametrize("tokens_per_step", [1, 3])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_padding_changes_nothing(kind: dict[str, Any], tokens_per_step: int) -> None:
    made = branch(**kind)
    lengths = [5, 8, 1, 11]
    features, mask, positions = inputs(lengths, 11, tokens_per_step)
    vectors = made(features, mask, positions, tokens_per_step)
    assert vectors.shape == (4, made.config.tokens, TEXT)
    for row, length in enumerate(lengths):
        cut = slice(0, length * tokens_per_step)
        one = (features[row : row + 1, cut], mask[row : row + 1, cut], positions[row : row + 1, cut])
        torch.testing.assert_close(vectors[row : row + 1], made(*one, tokens_per_step))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_masked_is_not_looked_at_even_where_it_is_no_number(kind: dict[str, Any]) -> None:
    made = branch(**kind)
    features, mask, positions = inputs([5, 8], 8)
    vectors = made(features, mask, positions)
    features[0, 5:] = float("nan")
    features.requires_grad_()
    again = made(features, mask, positions)
    torch.testing.assert_close(again, vectors)
    again.sum().backward()
    assert features.grad is not None
    assert bool(features.grad.isfinite().all())


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_row_without_features_gives_finite_values_and_gradients(kind: dict[str, Any]) -> None:
    made = branch(**kind).train()
    features, mask, positions = inputs([0, 4], 5)
    vectors = made(features, mask, positions)
    assert bool(vectors.isfinite().all())
    vectors.square().sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name


@pytest.mark.parametrize("fusion", ["qformer", "attention"])
def test_the_order_of_the_steps_matters(fusion: str) -> None:
    made = branch(fusion=fusion)
    features, mask, positions = inputs([6], 6)
    assert not torch.allclose(made(features, mask, positions), made(features.flip(1), mask, positions), atol=1e-4)
    # The features of one step have no order among them.
    features, mask, positions = inputs([2], 2, 3)
    shuffled = features[:, [2, 0, 1, 4, 5, 3]]
    torch.testing.assert_close(made(features, mask, positions, 3), made(shuffled, mask, positions, 3))


def test_the_subsampling_joins_steps_and_not_the_features_of_one() -> None:
    made = branch(fusion="mean", subsampling=1)
    seen: list[Tensor] = []
    made.positions.register_forward_hook(lambda _m, args, _o: seen.append(args[0]))
    features, mask, positions = inputs([5], 5, 2)
    made(features, mask, positions, 2)
    assert seen[0].tolist() == [[0, 0, 1, 1, 2, 2]]
    # A change in the second feature of a step reaches only second features.
    states: list[Tensor] = []
    made.fusion.register_forward_hook(lambda _m, args, _o: states.append(args[0]))
    made(features, mask, positions, 2)
    features[0, 1] += 1.0
    made(features, mask, positions, 2)
    changed = (states[0] != states[1]).any(-1)[0]
    assert changed.tolist() == [False, True, False, False, False, False]


def test_more_steps_than_positions_are_refused() -> None:
    made = branch(positions=4, subsampling=1)
    assert made(*inputs([8], 8)).shape[1] == 3
    with pytest.raises(ValueError, match="a clip has 5 steps in time, but the branch has positions for 4"):
        made(*inputs([9], 9))


def test_the_statistics_are_those_of_each_segment() -> None:
    states = torch.randn(2, 9, 4)
    mask = torch.arange(9) < torch.tensor([9, 4])[:, None]
    statistics = segment_statistics(states, mask, 2)
    # Nine steps in two halves: five and four.
    for row, halves in enumerate([(slice(0, 5), slice(5, 9)), (slice(0, 2), slice(2, 4))]):
        for number, half in enumerate(halves):
            segment = states[row, half]
            torch.testing.assert_close(statistics[row, number], segment.mean(0))
            torch.testing.assert_close(statistics[row, 2 + number], segment.std(0, correction=0), atol=2e-3, rtol=0)


def test_segments_without_a_step_are_zero() -> None:
    statistics = segment_statistics(torch.randn(1, 3, 2), torch.tensor([[True, False, False]]), 3)
    assert bool(statistics[0, 0].any())
    assert not bool(statistics[0, 1:].any())


def test_means_and_masks() -> None:
    states = torch.randn(2, 3, 4)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    torch.testing.assert_close(masked_mean(states, mask)[0], (states[0, 0] + states[0, 2]) / 2)
    assert not bool(masked_mean(states, mask)[1].any())
    assert with_one(mask).tolist() == [[True, False, True], [True, False, False]]


def test_features_of_another_type_are_taken() -> None:
    made = branch()
    features, mask, positions = inputs([4], 4)
    halved = made(features.half(), mask, positions)
    assert halved.dtype == torch.float32
    torch.testing.assert_close(halved, made(features, mask, positions), atol=1e-2, rtol=1e-2)
