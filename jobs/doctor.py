"""Check a cluster and a recipe before a job costs anything; the same as the console script ``doctor``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.doctor.command import main

if __name__ == "__main__":
    sys.exit(main())
