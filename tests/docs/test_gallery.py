"""The gallery says of every gate what the gate says of itself today."""

import subprocess
import sys
from pathlib import Path

GALLERY = Path(__file__).parents[2] / "docs/gallery"


def test_no_page_of_the_gallery_is_out_of_date():
    make = [sys.executable, str(GALLERY / "make.py"), "--check"]
    assert subprocess.run(make, capture_output=True, text=True, check=False).stdout == ""
