"""Starts servers of the laboratory."""

import json
import subprocess
import sys
from pathlib import Path

from harness import Address, Output

SERVER = Path(__file__).with_name("lab_server.py")


class Laboratory:
    """A server with a fault, or its sound counterpart; a sequence of its addresses."""

    def __init__(self, folder, name, sound=False, addresses=0):
        argv = [sys.executable, SERVER, "--base" if sound else "--fault", name, "--folder", folder,
                "--addresses", str(addresses)]
        self._popen = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.errors = Output(self._popen.stderr)
        try:
            ready = json.loads(self._popen.stdout.readline())
        except ValueError:
            self.stop()
            raise AssertionError("\n".join(self.errors.lines)) from None
        self.port, self.hosts = ready["port"], ready["addresses"]
        self.authority, self.client, self.args = ready["authority"], ready["client"], ready["args"]

    def __len__(self):
        return len(self.hosts)

    def __getitem__(self, at):
        return Address(self.hosts[at], self.port)

    def stop(self):
        """What it wrote to standard error: nothing, if all is well."""
        self._popen.stdin.close()
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._popen.stdout.close()
        self.errors.join()
        return "\n".join(self.errors.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
