"""Decodes still pictures that take the place of a video; runs in a child process, as all decoding does."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import Media
from affectgpt.clips.sampling import fitted_size
from affectgpt.errors import ClipError

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def decode_pictures(paths: Sequence[str], settings: DecodeSettings, most_pixels: int) -> Media:
    """Decode pictures as if each were a frame of a silent film; all get the size of the first.

    Args:
        paths: at least one file.
        settings: how many frames at most, evenly chosen, and their size.
        most_pixels: width times height of a picture at most.

    Raises:
        ClipError: ``not-media``, ``too-large`` or ``undecodable``.
    """
    chosen = _evenly(paths, max(1, settings.frames))
    first = _opened(chosen[0], most_pixels)
    size = fitted_size(first.width, first.height, None, settings.frame_size)
    pictures = [first, *(_opened(path, most_pixels) for path in chosen[1:])]
    frames = np.stack([np.asarray(one.resize(size, Image.Resampling.BICUBIC)) for one in pictures])
    return Media(frames, np.zeros(len(frames)), len(frames), np.zeros(0, np.float32), 0.0, True, False)


def _evenly(paths: Sequence[str], most: int) -> Sequence[str]:
    if len(paths) <= most:
        return paths
    return [paths[int((part + 0.5) / most * len(paths))] for part in range(most)]


def _opened(path: str, most_pixels: int) -> Image.Image:
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > most_pixels:
                raise ClipError(
                    "too-large",
                    f"{path} has {picture.width}x{picture.height} pixels; at most {most_pixels:,} are allowed",
                )
            return ImageOps.exif_transpose(picture).convert("RGB")
    except UnidentifiedImageError as error:
        raise ClipError("not-media", f"{path} is no picture of a known kind; give {', '.join(_FORMATS)}") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ClipError("undecodable", f"{path} cannot be decoded ({error}); it is damaged") from error
