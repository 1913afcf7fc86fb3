"""Split labelled clips into train, validation and test; the same as the console script ``split-dataset``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.evaluation.split_command import main

if __name__ == "__main__":
    sys.exit(main())
