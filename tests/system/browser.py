"""Headless Chromium, driven over its debugging pipe."""

import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--ignore-certificate-errors", "--disable-dev-shm-usage", "--remote-debugging-pipe",
]
DEADLINE = 60


class Browser:
    """One browser with one page; ended with all its processes when the with block is left."""

    def __init__(self, folder, flags=()):
        profile = Path(folder) / "chromium"
        self._in, theirs_out = os.pipe()
        theirs_in, self._out = os.pipe()
        # The pipe's ends are 3 and 4 in the browser; moved up first, so that none is in the way.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (theirs_in, theirs_out)]

        def place():
            for fd, source in enumerate(high, 3):
                os.dup2(source, fd)

        with open(f"{profile}.log", "wb") as log:
            self._process = subprocess.Popen(
                ["chromium", *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"],
                pass_fds=(3, 4), preexec_fn=place, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        for fd in high:
            os.close(fd)
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._last, self._page = b"", 0, None
        self._until = time.monotonic() + DEADLINE

    def __enter__(self):
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        attach = {"targetId": page["targetId"], "flatten": True}
        self._page = self._call("Target.attachToTarget", **attach)["sessionId"]
        self._call("Page.enable")
        return self

    def __exit__(self, *_):
        try:
            self._page = None
            self._call("Browser.close")
        except (OSError, AssertionError):
            self._process.terminate()
        finally:
            os.close(self._in)
            os.close(self._out)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _read(self):
        while b"\0" not in self._buffer:
            left = self._until - time.monotonic()
            ready = select.select([self._in], [], [], max(left, 0))[0]
            assert ready, "the browser did not answer"
            part = os.read(self._in, 65536)
            assert part, "the browser ended"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def _call(self, method, **params):
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._page:
            message["sessionId"] = self._page
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, url):
        result = self._call("Page.navigate", url=url)
        assert "errorText" not in result, result
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression):
        """The value of a JavaScript expression, of what it resolves to if it is a promise."""
        result = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")
