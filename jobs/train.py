"""Train AffectGPT in two stages; the same as the console script ``train``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.training.command import main

if __name__ == "__main__":
    sys.exit(main())
