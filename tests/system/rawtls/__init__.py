"""
A small TLS client for tests: it offers what no honest client would, and tells what came back.

It checks the server's Finished, so a handshake that completes has agreed on its keys, but never the
server's certificate.
"""

from . import names
from .codec import Malformed
from .connection import Connection, Outcome, exchange
from .hello import Offer, Session
from .names import TLS12, TLS13
from .record import PeerAlert, PeerClosed

__all__ = [
    "Connection",
    "Malformed",
    "Offer",
    "Outcome",
    "PeerAlert",
    "PeerClosed",
    "Session",
    "TLS12",
    "TLS13",
    "exchange",
    "names",
]
