"""The same functions in Data-Juicer's Ray mode, as an operator; runs in an environment with Data-Juicer.

Data-Juicer finds the operator by the path of this file.
"""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import yaml
from data_juicer.ops.base_op import OPERATORS, Mapper

from affectgpt.dataset.schema import SOURCES
from benchmarks.pipeline import annotate_sources, sources_of

CLIPS_PER_BATCH = 32
PROCESSES = 2


@OPERATORS.register_module("annotate_clips_mapper")
class AnnotateClipsMapper(Mapper):
    """Inspects and annotates a batch of sources."""

    _batched_op = True

    def process_batched(self, samples: dict[str, list[str]]) -> dict[str, list[str]]:
        """Add how each clip ended."""
        names = ("source_key", "source_id", "uri")
        rows = [
            dict(zip(names, values, strict=True)) | {"attempt": 1}
            for values in zip(*(samples[name] for name in names), strict=True)
        ]
        samples["outcome"] = annotate_sources(pa.Table.from_pylist(rows, SOURCES))
        return samples


def main() -> None:
    """Annotate a folder by Data-Juicer's own command."""
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True)
    rows = sources_of(folder).select(["source_key", "source_id", "uri"]).to_pylist()
    listed = output / "sources.jsonl"
    listed.write_text("".join(json.dumps(row | {"text": row["source_id"]}) + "\n" for row in rows))
    recipe = {
        "executor_type": "ray",
        "ray_address": "local",
        "dataset_path": str(listed),
        "export_path": str(output / "annotated"),
        "custom_operator_paths": [__file__],
        "process": [{"annotate_clips_mapper": {"batch_size": CLIPS_PER_BATCH, "num_proc": PROCESSES}}],
    }
    (output / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    command = Path(sys.executable).parent / "dj-process"
    subprocess.run([str(command), "--config", str(output / "recipe.yaml")], check=True)


if __name__ == "__main__":
    main()
