"""
A small TLS server for tests that is sound until it is told which one thing to get wrong.

Everything it may get wrong is a field of Policy; the rest of the code knows no faults by name.
"""

from .connection import serve
from .host import Fleet, Host
from .policy import Policy

__all__ = ["Fleet", "Host", "Policy", "serve"]
