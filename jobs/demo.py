"""Make talking clips and turn them into a described, labelled data set."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.demo.command import main

if __name__ == "__main__":
    sys.exit(main())
