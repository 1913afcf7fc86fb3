"""A measure of the subtitle: how sure it is."""

from affectgpt.annotate.sample import Sample


def subtitle_confidence(sample: Sample) -> float | None:
    """How sure speech to text is of the subtitle, in [0, 1]; None where the subtitle comes from elsewhere."""
    return sample.subtitle_confidence
