"""Compare predicted emotion labels with reference labels; the same as the console script ``evaluate``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.evaluation.command import main

if __name__ == "__main__":
    sys.exit(main())
