import numpy as np
import pytest
from transformers import AutoImageProcessor

from affectgpt.model.frame_features import PatchImageProcessor


def test_frames_become_squares_of_one_size_between_minus_one_and_one():
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8)
    pixels = PatchImageProcessor(16)(frames, return_tensors="np")["pixel_values"]

    assert pixels.shape == (3, 3, 16, 16) and pixels.dtype == np.float32
    assert -1 <= pixels.min() < pixels.max() <= 1


@pytest.mark.parametrize("shape", [(64, 64), (48, 96), (8, 8), (200, 8)])
def test_colours_and_places_are_kept(shape):
    frame = np.zeros((*shape, 3), np.uint8)
    frame[: shape[0] // 2] = (255, 0, 0)
    frame[shape[0] // 2 :] = (0, 0, 255)
    pixels = PatchImageProcessor(16)([frame], return_tensors="pt")["pixel_values"][0]

    assert pixels[:, 2, 8].tolist() == [1, -1, -1]
    assert pixels[:, 13, 8].tolist() == [-1, -1, 1]


def test_shrinking_averages():
    chequered = (255 * (np.indices((64, 64)).sum(0) % 2)).astype(np.uint8)[..., np.newaxis].repeat(3, -1)
    pixels = PatchImageProcessor(8)([chequered], return_tensors="np")["pixel_values"]

    assert np.abs(pixels).max() < 0.01


def test_settings_survive_saving(tmp_path):
    PatchImageProcessor(24).save_pretrained(tmp_path)
    loaded = AutoImageProcessor.from_pretrained(tmp_path)

    assert isinstance(loaded, PatchImageProcessor) and loaded.frame_size == 24


def test_what_is_no_frame_is_refused():
    for wrong in (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.uint8), np.zeros((3, 8, 8), np.uint8)):
        with pytest.raises(ValueError, match="uint8 RGB"):
            PatchImageProcessor()([wrong])
    with pytest.raises(ValueError, match="frame_size 0"):
        PatchImageProcessor(0)
