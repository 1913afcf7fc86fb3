import base64
import io
import wave

import cv2
import numpy as np
import pytest

from affectgpt.annotate.language_model.media import frame_data_url, sound_base64


def test_sound_comes_back_from_its_wav_file() -> None:
    sound = np.sin(np.arange(800) / 9).astype(np.float32)
    sound[:3] = (2.0, -2.0, np.nan)
    with wave.open(io.BytesIO(base64.b64decode(sound_base64(sound)))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, 16_000, 800)
        samples = np.frombuffer(file.readframes(800), "<i2")
    assert samples[:3].tolist() == [32767, -32768, 0]
    assert np.abs(samples[3:] / 32768 - sound[3:]).max() < 1e-4


def test_a_frame_comes_back_from_its_picture_with_its_colours() -> None:
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[:, :30] = (200, 30, 30)
    frame[:, 30:] = (30, 30, 200)
    head, _, data = frame_data_url(frame).partition(",")
    assert head == "data:image/jpeg;base64"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert shown.shape == frame.shape
    assert np.abs(shown[:, 5].astype(int) - (200, 30, 30)).max() < 20
    assert np.abs(shown[:, 55].astype(int) - (30, 30, 200)).max() < 20


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_frame_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a frame is uint8 of shape \(H, W, 3\), not"):
        frame_data_url(frame)
