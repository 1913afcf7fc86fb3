"""Compare data sets that different recipes made of the same clips; the same as ``compare-datasets``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.evaluation.agreement_command import main

if __name__ == "__main__":
    sys.exit(main())
