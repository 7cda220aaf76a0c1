"""Between hosts and their store: passes on, at once or late, or answers nonsense itself."""

import contextlib
import os
import select
import socket
import threading
import time


class StoreProxy:
    """mode: pass, slow (answers, by 2 s), garbage, refuse. A change ends the connections there are."""

    LATE_S = 2.0

    def __init__(self, address, target):
        self.target, self._mode = target, "pass"
        self.listener = socket.create_server((address, 0))
        self.address = self.listener.getsockname()
        self._open, self._lock = set(), threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"redis://{self.address[0]}:{self.address[1]}/0"

    def set_mode(self, mode, keep=False):
        """keep: connections stay, and what comes on them is treated the new way."""
        with self._lock:
            self._mode = mode
            found = [] if keep else list(self._open)
        for one in found:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one):
        with contextlib.suppress(OSError), one:
            if self._mode == "refuse":
                return
            with socket.create_connection(self.target) as other:
                with self._lock:
                    self._open |= {one, other}
                try:
                    self._pass(one, other)
                finally:
                    with self._lock:
                        self._open -= {one, other}

    def _pass(self, one, other):
        """Bytes wait their time in line, so that slow is late and not thin."""
        waiting = []  # (due, where to, bytes)
        while True:
            left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 1.0
            for source in select.select([one, other], [], [], left)[0]:
                data = source.recv(1 << 16)
                if not data:
                    return
                if source is other and self._mode == "garbage":
                    data = os.urandom(len(data))
                late = self.LATE_S if source is other and self._mode == "slow" else 0.0
                waiting.append((time.monotonic() + late, other if source is one else one, data))
            while waiting and waiting[0][0] <= time.monotonic():
                _, to, data = waiting.pop(0)
                to.sendall(data)

    def stop(self):
        self.listener.close()
        self.set_mode("refuse")
