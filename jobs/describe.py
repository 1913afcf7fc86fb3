"""Describe clips with a trained model; the same as the console script ``describe``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.inference.command import main

if __name__ == "__main__":
    sys.exit(main())
