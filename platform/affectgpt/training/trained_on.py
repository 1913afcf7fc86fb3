"""Tells what a model learnt from: a fingerprint of what each data set gave."""

import hashlib
import json

import pyarrow as pa
import pyarrow.compute as pc

_LEARNT = ("clip_key", "subtitle", "description_en", "description_zh")


def fingerprints(clips: pa.Table) -> dict[str, str]:
    """Hash the clips that each data set gave to learn from, with what is said of them.

    A fingerprint is the SHA-256, in hexadecimal, of one line for each clip: content and span, subtitle and
    descriptions, as JSON; the lines are sorted. So it is the same wherever the files lie, whatever they are called and
    in whatever order they come, and another where one word differs or a clip is held out instead.

    Args:
        clips: a table of ``affectgpt.training.data.schema.PREPARED_CLIPS``, each clip in its part.

    Returns:
        The fingerprint of each data set that gave any, by its name.
    """
    learnt = clips.filter(pc.and_(pc.equal(clips["part"], "train"), pc.is_null(clips["error"])))
    names = sorted(set(learnt["dataset"].to_pylist()))
    return {name: _fingerprint(learnt.filter(pc.equal(learnt["dataset"], name))) for name in names}


def _fingerprint(clips: pa.Table) -> str:
    columns = [clips[name].to_pylist() for name in _LEARNT]
    lines = sorted(json.dumps(row) for row in zip(*columns, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
