"""Early data: whether it is accepted, and its key (RFC 8446 sections 4.2.10, 7.1 and 8)."""

import time

from rawtls import TLS13
from rawtls.keys import Schedule13, suite_hash

RACE = 0.1  # seconds


class EarlyKeys:
    def __init__(self, sealer, suite, secret, transcript):
        schedule = Schedule13(suite_hash(suite), secret)
        self.client = sealer(suite, schedule.derive(b"c e traffic", transcript))


def _age_is_right(c, state):
    if c.policy.early_window is None:
        return True
    told = (c.hello.identities[0][1] - state.age_add) % 2**32 / 1000
    return abs(time.time() - state.issued - told) < c.policy.early_window


def accepts_early(c, state, index, suite, retried):
    p = c.policy
    if not p.early or state is None or index != 0 or state.version != TLS13 or not state.early:
        return False
    if retried:
        return False
    if suite != state.suite or (p.early_bound and state.alpn != c.alpn):
        return False
    if not _age_is_right(c, state):
        return False
    if state.host != c.host.index and not p.early_elsewhere:
        return False
    if p.early_once == "race":
        return c.host.early.first_unless_hurried(state.serial, RACE)
    return p.early_once == "never" or c.host.early.first(state.serial)
