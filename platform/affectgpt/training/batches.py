"""Micro-batches as the model takes them, in the order of the steps, out of the feature cache or out of the clips."""

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.context import BaseContext

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.utils.data import DataLoader, Dataset

from affectgpt.clips.storage import filesystem_of
from affectgpt.model.batching import Example
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.training.features.shards import CachedFeatures
from affectgpt.training.features.streaming import StreamedClips
from affectgpt.training.order import MicroBatch
from affectgpt.training.stage_job import SampleTable, StageJob

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class BatchLoader:
    """Turns micro-batches of samples into tensors.

    Attributes:
        samples: the samples.
        processor: pads and stacks them.
        features: where their clips' features or contents come from.
        loaders: processes beside each worker that read ahead from the cache; 0 reads in the worker itself.
    """

    samples: SampleTable
    processor: AffectGPTProcessor
    features: CachedFeatures | StreamedClips
    loaders: int

    def load(self, micro_batches: Sequence[MicroBatch]) -> Iterator[Tensors]:
        """Give the tensors of each micro-batch, in order; keys as ``AffectGPTForConditionalGeneration`` takes them."""
        if isinstance(self.features, StreamedClips):
            return (self.processor.collate(examples) for examples in self._stream(self.features, micro_batches))
        sampler = [list(zip(micro.samples.tolist(), micro.counts.tolist(), strict=True)) for micro in micro_batches]
        loader = DataLoader(
            _CachedExamples(self.samples, self.features),
            batch_sampler=sampler,
            collate_fn=_Collate(self.processor),
            num_workers=self.loaders,
            multiprocessing_context=_fork_server() if self.loaders else None,
            pin_memory=torch.cuda.is_available(),
        )
        return iter(loader)

    def examples(self, micro: MicroBatch) -> list[Example]:
        """Make the examples of one micro-batch."""
        if isinstance(self.features, StreamedClips):
            return next(self._stream(self.features, [micro]))
        cached = _CachedExamples(self.samples, self.features)
        return [cached[item] for item in zip(micro.samples.tolist(), micro.counts.tolist(), strict=True)]

    def _stream(self, clips: StreamedClips, micro_batches: Sequence[MicroBatch]) -> Iterator[list[Example]]:
        """Make the examples of micro-batches out of the clips themselves."""
        contents = clips.iterate(
            [self.samples.clip_key(int(place)) for micro in micro_batches for place in micro.samples]
        )
        for micro in micro_batches:
            examples = []
            for place, counts in zip(micro.samples, micro.counts, strict=True):
                pixel_values, sound_inputs = next(contents)
                example = tokens_of(self.samples, int(place), bool(counts))
                examples.append(replace(example, pixel_values=pixel_values, sound_inputs=sound_inputs))
            yield examples


def _fork_server() -> BaseContext:
    """Start loader processes from a process that has imported what they need, once for all stretches of a stage.

    A forked copy of a Ray worker itself would share its connections.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def read_table(uri: str) -> pa.Table:
    """Read one Parquet file."""
    filesystem, path = filesystem_of(uri)
    return pq.read_table(path, filesystem=filesystem)


def open_features(job: StageJob) -> CachedFeatures | StreamedClips:
    """Open the features of a run's clips, or the clips themselves."""
    if job.recipe.features.enabled:
        return CachedFeatures(job.preparation.cache, job.digests)
    return StreamedClips(read_table(job.clips), job.preparation)


def tokens_of(samples: SampleTable, place: int, counts: bool) -> Example:
    """Make the tokens of a sample; without weight where it does not count."""
    row = samples.rows.slice(place, 1)
    input_ids = row["input_ids"].combine_chunks().flatten().to_numpy().astype(np.int64)
    start = int(row["answer_start"][0].as_py())
    weights = row["token_weights"].combine_chunks().flatten().to_numpy().astype(np.float32)
    if not counts:
        weights = np.zeros(len(input_ids) - start, np.float32)
    return Example(input_ids=input_ids, answer_start=start, token_weights=weights if len(weights) else None)


class _CachedExamples(Dataset[Example]):
    def __init__(self, samples: SampleTable, features: CachedFeatures) -> None:
        self._samples = samples
        self._features = features

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, item: tuple[int, bool]) -> Example:
        place, counts = item
        video_features, audio_features = self._features.load(self._samples.clip_key(place))
        example = tokens_of(self._samples, place, counts)
        return replace(example, video_features=video_features, audio_features=audio_features)


class _Collate:
    """``AffectGPTProcessor.collate`` in a form that loader processes can take along."""

    def __init__(self, processor: AffectGPTProcessor) -> None:
        self._processor = processor

    def __call__(self, examples: list[Example]) -> Tensors:
        return self._processor.collate(examples)


def on_device(tensors: Tensors, device: torch.device, dtype: torch.dtype) -> Tensors:
    """Move a micro-batch to a device; what goes through the network takes its type, the loss's weights stay float32."""
    moved = {}
    for name, tensor in tensors.items():
        wanted = dtype if tensor.is_floating_point() and name != "loss_weights" else tensor.dtype
        moved[name] = tensor.to(device, wanted, non_blocking=True)
    return moved
