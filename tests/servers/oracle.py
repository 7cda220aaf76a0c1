"""
An opinion that owes nothing to the prober's code: openssl s_client, one run for every connection.

For each ordered pair of addresses a session is taken at one (-sess_out) and offered at the other
(-sess_in), a fresh one each time, for some servers let a session be used once only. Each connection
asks for a page and reads to its end, by which time a TLS 1.3 ticket has come.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MECHANISMS = {
    "id12": ["-tls1_2", "-no_ticket"],
    "ticket12": ["-tls1_2"],
    "ticket13": ["-tls1_3"],
}
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SECONDS = 20
NOT_ISSUED, REFUSED, RESUMED, FAILED = "-", "n", "Y", "!"


@dataclass(frozen=True)
class Seen:
    """What s_client printed of one connection."""

    text: str

    @property
    def established(self):
        return re.search(r"^(New|Reused), TLSv", self.text, re.M) is not None

    @property
    def reused(self):
        return re.search(r"^Reused, TLSv", self.text, re.M) is not None

    @property
    def tickets(self):
        """Of TLS 1.3, where each is told as it comes; of TLS 1.2 at most one."""
        return self.text.count("Post-Handshake New Session Ticket arrived") or int(
            "TLS session ticket:" in self.text)

    @property
    def lifetime(self):
        found = re.findall(r"TLS session ticket lifetime hint: (\d+)", self.text)
        return int(found[-1]) if found else None

    @property
    def session_id(self):
        found = re.search(r"Session-ID: ?([0-9A-F]*)", self.text)
        return found[1] if found else ""

    @property
    def key_name(self):
        """The first 16 bytes of the last ticket, in hexadecimal."""
        found = re.findall(r"^ +0000 - ([0-9a-f -]{47})", self.text, re.M)
        return found[-1].replace("-", " ").replace(" ", "") if found else None

    def issued(self, mechanism):
        return bool(self.session_id) if mechanism == "id12" else self.tickets > 0


def connect(host, port, mechanism, given=None, out=None, name="localhost"):
    argv = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", name, "-ign_eof",
            *MECHANISMS[mechanism], *(["-sess_in", given] if given else []),
            *(["-sess_out", out] if out else [])]
    done = subprocess.run(
        [str(a) for a in argv], input=REQUEST, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=SECONDS, check=False)
    return Seen(done.stdout.decode(errors="replace"))


def ask(addresses, mechanism, i, j, folder):
    """One try of one cell: the verdict, and both connections."""
    kept = Path(folder) / f"{mechanism}-{i}-{j}.pem"
    kept.unlink(missing_ok=True)
    first = connect(*addresses[i], mechanism, out=kept)
    if not first.established:
        return FAILED, first, None
    if not first.issued(mechanism) or not kept.exists():
        return NOT_ISSUED, first, None
    second = connect(*addresses[j], mechanism, given=kept)
    if not second.established:
        return FAILED, first, second
    return (RESUMED if second.reused else REFUSED), first, second


def matrix(addresses, mechanism, folder, tries=1):
    """Rows of cells, each as many letters as tries: issued at the row, offered at the column."""
    n = len(addresses)
    pairs = [(i, j) for i in range(n) for j in range(n)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(
            lambda pair: "".join(
                ask(addresses, mechanism, *pair, folder)[0] for _ in range(tries)), pairs))
    return [found[i * n: (i + 1) * n] for i in range(n)]


def matrices(addresses, folder, tries=1):
    return {m: matrix(addresses, m, folder, tries) for m in MECHANISMS}
