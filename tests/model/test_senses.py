import pytest
import torch

from affectgpt.model.encoders import encode_frames, encode_sound
from affectgpt.model.senses import encode_audio, encode_video, given, no_audio, no_video, put_in_place
from tests.model import assembled

BATCH = torch.zeros(3, 5, dtype=torch.int64)


def test_only_the_frames_that_are_there_are_encoded() -> None:
    encoder = assembled.model(encoders=True).vision_encoder
    frames = torch.randn(2, 3, 3, assembled.FRAME_SIZE, assembled.FRAME_SIZE)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    runs: list[int] = []
    encoder.register_forward_hook(lambda _m, _a, kwargs, _o: runs.append(len(kwargs["pixel_values"])), with_kwargs=True)
    features = encode_video(encoder, frames, mask)
    assert runs == [2]
    assert torch.equal(features.mask, mask)
    assert not bool(features.values[~mask].any())
    torch.testing.assert_close(features.values[mask], encode_frames(encoder, frames[mask]))


def test_only_the_sounds_that_are_there_are_heard() -> None:
    encoder = assembled.model(encoders=True).audio_encoder
    sounds = torch.randn(3, 3000)
    mask = torch.arange(3000) < torch.tensor([0, 3000, 1800])[:, None]
    features = encode_audio(encoder, sounds.masked_fill(~mask, 0.0), mask)
    assert not bool(features.mask[0].any())
    assert bool(features.values.isfinite().all())
    for row, length in ((1, 3000), (2, 1800)):
        alone, _ = encode_sound(encoder, sounds[row : row + 1, :length])
        torch.testing.assert_close(features.values[row][features.mask[row]], alone[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("encoders", [False, True])
def test_a_batch_without_a_sense_still_runs_its_encoder(encoders: bool) -> None:
    model = assembled.model(encoders=encoders)
    for encoder, config, blank in (
        (model.vision_encoder, model.config.vision_config, no_video),
        (model.audio_encoder, model.config.audio_config, no_audio),
    ):
        runs: list[int] = []
        encoder.register_forward_hook(lambda *_, runs=runs: runs.append(1))
        features = blank(encoder, config, BATCH)
        assert runs == [1]
        assert features.mask.shape == features.values.shape[:2]
        assert not bool(features.mask.any())
        without = blank(None, config, BATCH)
        assert len(features.values) == len(without.values) == 3
        assert features.values.shape[-1] == without.values.shape[-1]


def test_features_without_a_mask_are_all_meant() -> None:
    features = given(torch.zeros(2, 4, 3), None)
    assert features is not None
    assert features.mask.tolist() == [[True] * 4] * 2
    assert given(None, None) is None


def test_vectors_come_in_the_places_of_the_clips_that_have_them() -> None:
    embeds = torch.zeros(3, 5, 2)
    places = torch.tensor([[0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 1]], dtype=torch.bool)
    vectors = torch.arange(12.0).view(3, 2, 2) + 1
    put = put_in_place(embeds, places, vectors, torch.tensor([True, False, True]), "video")
    assert torch.equal(put[0, 1:3], vectors[0])
    assert torch.equal(put[2, 3:5], vectors[2])
    assert not bool(put[~places].any())


def test_as_many_placeholders_in_all_but_in_the_wrong_clips_are_refused() -> None:
    places = torch.tensor([[1, 1, 1], [1, 0, 0]], dtype=torch.bool)
    with pytest.raises(ValueError, match=r"by clip: \[3, 1\], but vectors: \[2, 2\]"):
        put_in_place(torch.zeros(2, 3, 2), places, torch.zeros(2, 2, 2), torch.tensor([True, True]), "sound")
