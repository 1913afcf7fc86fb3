"""Make one data set of its shards; the same as the console script ``merge-dataset``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.dataset.merge_command import main

if __name__ == "__main__":
    sys.exit(main())
