"""Frames for a model without a vision encoder: small pictures, of which it cuts patches."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from transformers import BatchFeature
from transformers.image_processing_utils import BaseImageProcessor


class PatchImageProcessor(BaseImageProcessor):
    """Scales frames to squares of one size, and their values to [-1, 1]."""

    model_input_names = ["pixel_values"]  # noqa: RUF012

    def __init__(self, frame_size: int = 32, **kwargs: Any) -> None:
        """Make the image processor.

        Args:
            frame_size: height and width of what it gives, in pixels.
            kwargs: further settings of transformers' image processors.

        Raises:
            ValueError: the size is not positive.
        """
        if frame_size < 1:
            raise ValueError(f"frame_size {frame_size}: give the height and width of the pictures in pixels")
        super().__init__(**kwargs)
        self.frame_size = frame_size

    def preprocess(
        self,
        images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        return_tensors: str | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Scale frames.

        Args:
            images: uint8 RGB of shape (N, H, W, 3), or a sequence of (H, W, 3).
            return_tensors: ``np`` or ``pt`` for one array.
            kwargs: what transformers' image processors are told beside, which has no meaning here.

        Returns:
            ``pixel_values``: float32 of shape (N, 3, frame_size, frame_size).

        Raises:
            ValueError: a frame is not uint8 of shape (H, W, 3).
        """
        return BatchFeature({"pixel_values": [self._scaled(image) for image in images]}, tensor_type=return_tensors)

    def _scaled(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"a frame is {image.dtype} of shape {image.shape}; give uint8 RGB of shape (H, W, 3)")
        shrinks = min(image.shape[:2]) > self.frame_size
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        scaled = cv2.resize(np.ascontiguousarray(image), (self.frame_size, self.frame_size), interpolation=method)
        return (scaled.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
