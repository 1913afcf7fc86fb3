import pytest
import torch
from torch import Tensor

from affectgpt.model.pre_fusion import PreFusion
from tests.model import assembled

TEXT = 12
KINDS = ["attention", "qformer"]


def made(kind: str) -> PreFusion:
    torch.manual_seed(5)
    fusion = PreFusion(assembled.config(pre_fusion=kind), TEXT)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return fusion.eval()


def vectors(batch: int) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, 3, TEXT), torch.randn(batch, 5, TEXT)


@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_its_tokens_from_both_senses(kind: str) -> None:
    fusion = made(kind)
    video, audio = vectors(1)
    present = torch.tensor([[True, True]])
    fused = fusion(video, audio, present)
    assert fused.shape == (1, {"attention": 1, "qformer": 2}[kind], TEXT)
    assert not torch.allclose(fused, fusion(video + 1, audio * 2, present), atol=1e-3)
    assert not torch.allclose(fused, fusion(video, audio + torch.randn(1, 5, TEXT), present), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_sense_is_not_looked_at(kind: str) -> None:
    fusion = made(kind)
    video, audio = vectors(2)
    present = torch.tensor([[True, False], [False, True]])
    fused = fusion(video, audio, present)
    other_video, other_audio = vectors(2)
    other_video[0], other_audio[1] = video[0], audio[1]
    torch.testing.assert_close(fusion(other_video, other_audio, present), fused)


def test_attention_without_a_sense_is_the_other_alone() -> None:
    fusion = made("attention")
    video, audio = vectors(1)
    fused = fusion(video, audio, torch.tensor([[False, True]]))
    torch.testing.assert_close(fused, fusion.projector(audio.mean(1, keepdim=True)))


@pytest.mark.parametrize("kind", KINDS)
def test_clips_with_nothing_give_finite_values_and_gradients(kind: str) -> None:
    fusion = made(kind).train()
    video, audio = vectors(2)
    fused = fusion(video.requires_grad_(), audio.requires_grad_(), torch.tensor([[False, False], [True, True]]))
    fused.square().sum().backward()
    assert bool(fused.isfinite().all())
    for tensor in (video, audio, *fusion.parameters()):
        assert tensor.grad is not None
        assert bool(tensor.grad.isfinite().all())
