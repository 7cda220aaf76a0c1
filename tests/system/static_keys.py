"""Session ticket key files in nginx's formats, good and weak."""

import os
import subprocess

from harness import reprised_path, yaml_text


def nginx_key(size):
    return os.urandom(size)


def key_file(folder, name, data):
    path = folder / name
    fresh = folder / (name + ".new")
    fresh.write_bytes(data)
    fresh.chmod(0o600)
    fresh.replace(path)
    return path


def check_config(folder, config, args=("-t",)):
    """Runs reprised -t: its exit code and what it said."""
    path = folder / "checked.yaml"
    path.write_text(config if isinstance(config, str) else yaml_text(config) + "\n")
    done = subprocess.run(
        [reprised_path(), *args, "-c", path], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=20, check=False, cwd=folder,
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def _around(key):
    """Puts weak key material behind a random name."""
    return lambda size: os.urandom(16) + key(size - 16)


def _halves(hmac, aes):
    """Weak in one half only; nginx's order of the halves depends on the size."""

    def make(size):
        half = (size - 16) // 2
        parts = (hmac(half), aes(half)) if size == 80 else (aes(half), hmac(half))
        return os.urandom(16) + parts[0] + parts[1]

    return make


WEAK = {
    "all zero": bytes,
    "zero keys": _around(bytes),
    "zero AES key": _halves(os.urandom, bytes),
    "zero HMAC key": _halves(bytes, os.urandom),
    "constant": _around(lambda n: b"\x31" * n),
    "all ones": _around(lambda n: b"\xff" * n),
    "counting": _around(lambda n: bytes(range(n))),
    "counting from 16": _around(lambda n: bytes(range(16, 16 + n))),
    "counting AES key": _halves(os.urandom, lambda n: bytes(range(n))),
    "counting down": _around(lambda n: bytes(reversed(range(n)))),
    "seen in the wild": _around(lambda n: (b"\x31" * 16 + bytes(n))[:n]),
    "repeated": _around(lambda n: (b"\xde\xad\xbe\xef" * n)[:n]),
}
