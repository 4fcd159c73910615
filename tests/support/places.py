"""Where the project lies."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
"""The checkout."""

GOLDEN = ROOT / "tests/golden"
"""What is to come out, to the letter."""

BIN = Path(sys.executable).parent
"""The programs of the Python environment that runs the tests."""
