"""Measures the service."""

import os

# Ray gives model workers one thread each, and makes them give way to other processes; what they are measured beside
# is to have no more, and no advantage. Both are read once, when torch and Ray start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_worker_niceness", "0")
