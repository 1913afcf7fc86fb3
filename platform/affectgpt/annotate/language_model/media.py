"""Frames and sound in the form in which chat APIs take them."""

import base64
import io
import wave

import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
JPEG_QUALITY = 90


def sound_base64(sound: NDArray[np.float32]) -> str:
    """Encode sound as ``sound_wav`` does, in Base64."""
    return base64.b64encode(sound_wav(sound)).decode("ascii")


def sound_wav(sound: NDArray[np.float32]) -> bytes:
    """Encode sound (float32 of shape (N,), 16 kHz, mono, within [-1, 1]) as a WAV file of 16 bits."""
    samples = np.clip(np.nan_to_num(sound) * 32768.0, -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def frame_data_url(frame: NDArray[np.uint8]) -> str:
    """Encode a frame (uint8 of shape (H, W, 3), RGB) as a ``data:`` URL of a JPEG picture.

    Raises:
        ValueError: it is no such picture.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or frame.size == 0:
        raise ValueError(f"a frame is uint8 of shape (H, W, 3), not {frame.dtype} of shape {frame.shape}")
    _, encoded = cv2.imencode(".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
