"""What a storm measured: printed, and appended to the file that STORM_FIGURES names."""

import json
import os


def note(what, **values):
    line = json.dumps({"what": what} | values)
    print(line)
    path = os.environ.get("STORM_FIGURES")
    if path:
        with open(path, "a", encoding="utf-8") as f:
            f.write(line + "\n")
