"""Turn raw clips into EMER-Coarse; the same as the console script ``build-dataset``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from affectgpt.dataset.command import main

if __name__ == "__main__":
    sys.exit(main())
