"""What a model of a run says of held-out clips, and its loss on them, computed from the checkpoint that was written."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from affectgpt.clips.local_copies import local_folder
from affectgpt.model.batching import Example
from affectgpt.model.modeling import AffectGPTForConditionalGeneration, load_strictly
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.training.batches import BatchLoader, on_device, open_features, read_table
from affectgpt.training.order import MicroBatch
from affectgpt.training.stage_job import SampleTable, StageJob


def describe(job: StageJob, model_uri: str, places: Sequence[int]) -> tuple[list[str], float | None]:
    """Describe the clips of some samples, and compute the mean loss of all held-out samples' tokens.

    Args:
        job: of any stage of the run.
        model_uri: the checkpoint.
        places: of the samples in the table of samples.

    Returns:
        A description for each place, greedily decoded, and the loss, or None where nothing is held out.
    """
    samples = SampleTable(read_table(job.samples))
    device = torch.device("cuda" if torch.cuda.is_available() and job.recipe.workers.gpu else "cpu")
    with local_folder(model_uri) as folder, torch.inference_mode():
        processor = AffectGPTProcessor.from_pretrained(folder)
        model = load_strictly(folder, with_encoders=not job.recipe.features.enabled)
        model.to(device)  # type: ignore[arg-type]
        model.train(False)
        loader = BatchLoader(samples, processor, open_features(job), loaders=0)
        descriptions = [
            text
            for batch in _batches(np.asarray(places, np.int64), job.recipe.report.batch_size)
            for text in _describe(job, model, processor, loader, batch)
        ]
        return descriptions, _loss(job, model, samples, loader)


def _describe(
    job: StageJob,
    model: AffectGPTForConditionalGeneration,
    processor: AffectGPTProcessor,
    loader: BatchLoader,
    batch: MicroBatch,
) -> list[str]:
    examples = [_prompt(example) for example in loader.examples(batch)]
    inputs = on_device(processor.collate(examples, "left", label=False), model.device, model.dtype)
    generated = model.generate(
        **inputs,
        max_new_tokens=job.recipe.report.max_new_tokens,
        do_sample=False,
        eos_token_id=processor.end_token_id,
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    return processor.decode_descriptions(generated, inputs["input_ids"].shape[1])


def _prompt(example: Example) -> Example:
    """Leave the answer out."""
    return Example(
        input_ids=example.input_ids[: example.answer_start],
        answer_start=example.answer_start,
        pixel_values=example.pixel_values,
        video_features=example.video_features,
        sound_inputs=example.sound_inputs,
        audio_features=example.audio_features,
    )


def _loss(
    job: StageJob, model: AffectGPTForConditionalGeneration, samples: SampleTable, loader: BatchLoader
) -> float | None:
    places = samples.held_out(job.stage)
    if not len(places):
        return None
    by_length = places[np.argsort(samples.lengths[places], kind="stable")]
    batches = list(_batches(by_length, job.stage.micro_batch_size))
    summed = 0.0
    for tensors in loader.load(batches):
        moved: dict[str, Any] = on_device(tensors, model.device, model.dtype)
        summed += float(model(**moved, num_items=1.0, return_logits=False).loss)
    return summed / float(samples.weights[places].sum())


def _batches(places: np.ndarray[Any, np.dtype[np.int64]], size: int) -> Iterator[MicroBatch]:
    for first in range(0, len(places), size):
        part = places[first : first + size]
        yield MicroBatch(part, np.ones(len(part), bool))
