"""reprise load, our own client, run as a program."""

import json
import subprocess

from harness import reprise_path


def load(address, *args, timeout=120):
    """Its exit code and what it printed as JSON."""
    argv = [
        reprise_path(), "load", f"localhost:{address.port}", "--at",
        f"{address.host}:{address.port}", "--json", "--quiet", *[str(a) for a in args],
    ]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
    )
    assert done.stdout, f"{argv}: exit {done.returncode}: {done.stderr.decode()}"
    return done.returncode, json.loads(done.stdout)
