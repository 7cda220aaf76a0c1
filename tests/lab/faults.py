"""
The table of the laboratory: each fault, where it is, and what a prober must say of it.

A finding is named as in src/probe/audit/finding.h, a cause as in src/probe/matrix/diagnosis.h.
"""

from dataclasses import dataclass, field

from labtls.policy import DAY, Policy
from rawtls import TLS12, names


@dataclass(frozen=True)
class Fault:
    name: str
    says: str
    changes: dict = field(default_factory=dict)  # of the sound policy
    base: dict = field(default_factory=dict)  # what its sound counterpart has, too
    hosts: tuple | None = None  # by index; None: all of them
    one_in: int = 1  # so many resumptions
    processes: tuple = ()  # changes, of which each connection gets one at random
    findings: tuple = ()  # that must be raised, and no other
    causes: tuple = ()  # of cells that are not green; and no other
    kind: str = "ecdsa"  # of the certificates
    addresses: int = 3
    args: tuple = ()  # for the prober, beside what it always gets
    harmless: bool = False  # worth saying, but no exit code is due to it
    between: bool = False  # the finding is of two hosts, so at none of them alone
    also: tuple = ()  # findings or causes that may be raised, too: what follows from the fault

    def policies(self):
        """The sound one and the faulty one."""
        sound = Policy(**self.base)
        return sound, sound.but(**self.changes)

    def own_certificates(self):
        """Whether some host or process shows other ones than the rest."""
        return any("certificate" in changes for changes in (self.changes, *self.processes))

    def where(self):
        out = "every host" if self.hosts is None else f"one host of {self.addresses}"
        if self.addresses == 1:
            out = "one host"
        if self.one_in > 1:
            out += f", one time in {self.one_in}"
        if self.processes:
            out += f", {len(self.processes)} processes"
        return out


EARLY = {"early": 16384}
SHORT = {"lifetime": 2, "max_age": 2}
OTHER = ("--other-sni", "b.lab.test")
SECURE = ("--other-sni", "secure.lab.test")
LAST = (2,)

AUDIT = (
    # Names.
    Fault(
        "sni-blind", "sessions resume under every name", {"sni_bound": False},
        findings=("other-sni", "no-sni", "unknown-sni"), args=OTHER, addresses=2,
    ),
    Fault(
        "sni-blind-12", "sessions of TLS 1.2 resume under every name",
        {"sni_bound": False}, {"versions": (TLS12,)},
        findings=("other-sni", "no-sni", "unknown-sni"), args=OTHER, addresses=1,
        causes=("version",),
    ),
    Fault(
        "client-certificate-bypass", "a session of a site without client certificates gets in",
        {"sni_bound": False, "client_bound": False},
        findings=("client-certificate-bypass",), args=SECURE, addresses=1,
        also=("other-sni", "no-sni", "unknown-sni"),
    ),
    # Tickets.
    Fault(
        "mac-unchecked", "nobody looks at a ticket's MAC", {"mac": "none"},
        findings=("modified-ticket-accepted",), addresses=1,
        also=("ticket-oracle", "ticket-extended"),
    ),
    Fault(
        "mac-without-name", "the MAC leaves out the key name", {"mac": "no_name"},
        findings=("modified-ticket-accepted",), addresses=1,
    ),
    Fault(
        "mac-without-iv", "the MAC leaves out the IV", {"mac": "no_iv"},
        findings=("modified-ticket-accepted",), addresses=1,
    ),
    Fault(
        "mac-short", "four bytes of the MAC are compared", {"mac": "short"},
        findings=("modified-ticket-accepted",), addresses=1,
    ),
    Fault(
        "ticket-extended", "what follows a ticket is ignored", {"mac": "prefix"},
        findings=("ticket-extended",), addresses=1, harmless=True,
    ),
    Fault(
        "mac-unchecked-on-one", "nobody looks at a ticket's MAC on one host of three",
        {"mac": "none"}, hosts=LAST, findings=("modified-ticket-accepted",),
        also=("ticket-oracle", "ticket-extended"),
    ),
    Fault(
        "mac-unchecked-at-times", "one time in ten nobody looks at a ticket's MAC",
        {"mac": "none"}, one_in=10, findings=("modified-ticket-accepted",), addresses=1,
        also=("ticket-oracle", "ticket-extended"),
    ),
    Fault(
        "padding-oracle", "wrong padding is answered otherwise than a wrong MAC", {"mac": "late"},
        findings=("ticket-oracle",), addresses=1,
    ),
    Fault(
        "ticket-timing", "a wrong MAC is found later than wrong padding, by twenty milliseconds",
        {"mac": "slow"}, findings=("ticket-timing",), addresses=1,
    ),
    Fault(
        "ticket-alert", "a ticket that does not open ends the connection", {"on_unknown": "alert"},
        findings=("ticket-alert",), addresses=1,
    ),
    Fault(
        "ticket-close", "a ticket that does not open ends the connection, without a word",
        {"on_unknown": "close"}, findings=("ticket-alert",), addresses=1,
        also=("identity-flood",),
    ),
    Fault(
        "ticketbleed", "a session ID beside a ticket is echoed as 32 bytes", {"echo": "padded"},
        findings=("ticketbleed",), addresses=1,
    ),
    Fault(
        "plain-ticket", "tickets are authenticated, but not encrypted", {"seal": "plain"},
        findings=("plain-ticket",), addresses=1,
    ),
    Fault(
        "keystream-reused", "tickets are encrypted under one keystream", {"seal": "stream"},
        findings=("keystream-reused",), addresses=1,
    ),
    Fault(
        "zero-key", "the ticket key was never set", {"keys": ("zero",)}, findings=("weak-key",),
        addresses=1,
    ),
    Fault(
        "zero-key-on-one", "the ticket key was never set on one host of three",
        {"keys": ("zero", "fleet")}, {"keys": ("fleet", "zero")}, hosts=LAST,
        findings=("weak-key",), also=("key-lagging",),
    ),
    # PSKs.
    Fault(
        "psk-ke", "resumes without a key exchange", {"psk_ke": True}, findings=("psk-ke",),
        addresses=1,
    ),
    Fault(
        "binder-unchecked", "binders are not checked", {"binder": "unchecked"},
        findings=("binder-unchecked",), addresses=1,
    ),
    Fault(
        "binder-prefix", "a binder is compared as far as it goes", {"binder": "prefix"},
        findings=("binder-unchecked",), addresses=1,
    ),
    Fault(
        "binder-byte", "one byte of a binder is compared", {"binder": "byte"},
        findings=("binder-unchecked",), addresses=1,
    ),
    Fault(
        "binder-stale", "after a HelloRetryRequest the former binder will do",
        {"binder": "stale"}, findings=("binder-unchecked",), addresses=1,
    ),
    Fault(
        "binder-any", "any identity's binder will do for any other", {"binder": "any"},
        findings=("binder-unchecked",), addresses=1,
    ),
    Fault(
        "binder-unchecked-at-times", "one time in ten binders are not checked",
        {"binder": "unchecked"}, one_in=10, findings=("binder-unchecked",), addresses=1,
    ),
    Fault(
        "binder-unchecked-on-one", "binders are not checked on one host of three",
        {"binder": "unchecked"}, hosts=LAST, findings=("binder-unchecked",),
    ),
    Fault(
        "hash-mismatch", "a PSK of SHA-384 resumes a suite of SHA-256, and the reverse",
        {"hash_bound": False}, findings=("hash-mismatch",), addresses=1, kind="rsa",
    ),
    Fault(
        "version-confusion", "tickets of TLS 1.2 are taken as PSKs, and the reverse",
        {"version_bound": False, "hash_bound": False}, findings=("version-confusion",),
        addresses=1, also=("hash-mismatch", "extended-master-secret"),
    ),
    Fault(
        "identity-flood", "many or long identities bring it down", {"flood": "falls"},
        findings=("identity-flood",), addresses=1,
    ),
    Fault(
        "identity-stall", "many identities keep it busy for seconds", {"flood": "stalls"},
        findings=("identity-flood",), addresses=1,
    ),
    # TLS 1.2.
    Fault(
        "ems-ignored", "extended master secret need not match", {"ems_bound": False},
        findings=("extended-master-secret",), addresses=1,
    ),
    Fault(
        "session-killed", "a failed resumption deletes the session", {"kill_on_failure": True},
        findings=("session-killed",), addresses=1, harmless=True,
    ),
    Fault(
        "renegotiation", "clients may renegotiate", {"renegotiation": "secure"},
        findings=("renegotiation",), addresses=1, harmless=True,
    ),
    Fault(
        "insecure-renegotiation", "a renegotiation is not bound to the connection it is on",
        {"renegotiation": "insecure"}, findings=("insecure-renegotiation",), addresses=1,
        also=("renegotiation",),
    ),
    # Early data.
    Fault(
        "early-replay", "early data is accepted again and again", {"early_once": "never"}, EARLY,
        findings=("early-replay",), addresses=1,
    ),
    Fault(
        "early-replay-race", "early data is accepted twice at the same time",
        {"early_once": "race"}, EARLY, findings=("early-replay",), addresses=1,
    ),
    Fault(
        "early-replay-elsewhere", "each host accepts the early data of all of them",
        {"early_elsewhere": True}, EARLY, findings=("early-replay-elsewhere",),
        also=("early-refused",),
    ),
    Fault(
        "early-other-alpn", "early data is accepted under another protocol than its session's",
        {"early_bound": False}, EARLY, findings=("early-context",), addresses=1,
    ),
    Fault(
        "early-other-name", "early data is accepted under another name than its session's",
        {"early_named": False}, EARLY, findings=("early-context",), args=OTHER, addresses=1,
    ),
    Fault(
        "early-oversize", "more early data is accepted than the ticket allows",
        {"early_counted": False}, EARLY, findings=("early-oversize",), addresses=1,
    ),
    # Lifetimes and linkability.
    Fault(
        "endless-chain", "each resumption begins the lifetime anew", {"max_age": None}, SHORT,
        findings=("endless-chain",), addresses=1,
    ),
    Fault(
        "lifetime-too-long", "a lifetime of thirty days",
        {"lifetime": 30 * DAY, "max_age": 30 * DAY}, findings=("lifetime-too-long",), addresses=1,
    ),
    Fault(
        "accepted-past-lifetime", "tickets outlive what is advertised",
        {"kept": 3600, "max_age": 7200}, SHORT, findings=("accepted-past-lifetime",), addresses=1,
        also=("endless-chain",),
    ),
    Fault(
        "refused-before-lifetime", "tickets die long before what is advertised", {"kept": 2},
        {"lifetime": 6, "max_age": 6}, findings=("refused-before-lifetime",), addresses=1,
        harmless=True,
        also=("expired-early", "endless-chain"),
    ),
    Fault(
        "same-ticket", "a resumption hands out the ticket that it was offered",
        {"reissue": "same"}, findings=("ticket-reused",), addresses=1,
    ),
    Fault(
        "age-add-zero", "ticket_age_add is 0", {"age_add": "zero"}, findings=("age-add",),
        addresses=1,
    ),
    Fault(
        "age-add-fixed", "ticket_age_add never changes", {"age_add": "fixed"},
        findings=("age-add",), addresses=1,
    ),
    Fault(
        "nonce-reused", "the tickets of a connection share a nonce", {"nonce": "same"},
        findings=("nonce-reused",), addresses=1,
    ),
    Fault(
        "other-certificate", "one host shows another certificate and resumes all sessions",
        {"certificate": "own"}, hosts=LAST, findings=("other-certificate",), harmless=True,
        between=True,
    ),
)

MATRIX = (
    Fault(
        "nothing-issued", "neither tickets nor session IDs",
        {"tickets12": False, "session_ids": False, "tickets13": 0}, causes=("not-issued",),
    ),
    Fault(
        "no-tickets-on-one", "one host of three issues no ticket",
        {"tickets12": False, "tickets13": 0}, hosts=LAST, causes=("not-issued",),
        also=("key-not-shared",),
    ),
    Fault(
        "ids-not-kept", "session IDs are given out and forgotten", {"cache": "none"},
        causes=("not-kept",), harmless=True,
    ),
    Fault(
        "keys-apart", "each host has a ticket key of its own", {"keys": ("own",)},
        causes=("key-not-shared",),
    ),
    Fault(
        "key-apart-on-one", "one host of three has another ticket key", {"keys": ("own",)},
        hosts=LAST, causes=("key-not-shared",),
    ),
    Fault(
        "key-lagging", "one host still seals under the former key and has not the new one",
        {"keys": ("old",)}, {"keys": ("new", "old")}, hosts=LAST, causes=("key-lagging",),
    ),
    Fault(
        "key-per-process", "three processes of each host, each with a ticket key of its own",
        processes=({"keys": ("own 1",)}, {"keys": ("own 2",)}, {"keys": ("own 3",)}),
        addresses=1, causes=("key-per-process",),
    ),
    Fault(
        "key-per-process-on-one", "two processes of one host, each with a key of its own",
        processes=({"keys": ("own 1",)}, {"keys": ("own 2",)}), hosts=LAST,
        causes=("key-per-process",), also=("key-not-shared",),
    ),
    Fault(
        "other-key-at-times", "one resumption in ten comes to a process with another ticket key",
        {"keys": ("own",)}, one_in=10, addresses=1, causes=("key-per-process",),
        args=("--tries", "10"),
    ),
    Fault(
        "same-name-other-key", "one host has another key under the same name",
        {"keys": ("own",), "key_name": "fleet"}, hosts=LAST, causes=("same-key-refused",),
    ),
    Fault(
        "other-context", "one host has another session ID context", {"context": "other"},
        hosts=LAST, causes=("same-key-refused",),
        also=("cache-not-shared",),
    ),
    Fault(
        "other-context-and-certificate", "one host has another certificate, in its context as well",
        {"context": "other", "certificate": "own"}, hosts=LAST, causes=("same-key-refused",),
        also=("cache-not-shared",),
    ),
    Fault(
        "caches-apart", "each host has a session cache of its own", {"cache": "own"},
        causes=("cache-not-shared",), harmless=True,
    ),
    Fault(
        "caches-apart-alone", "the same, and there are no tickets", {"cache": "own"},
        {"versions": (TLS12,), "tickets12": False}, causes=("cache-not-shared",),
        also=("version", "not-issued"),
    ),
    Fault(
        "cache-per-process", "three processes of a host, each with a session cache of its own",
        processes=({"cache": "own 1"}, {"cache": "own 2"}, {"cache": "own 3"}), addresses=1,
        causes=("cache-per-process",), harmless=True,
    ),
    Fault(
        "mixed-backends", "two servers that know nothing of each other behind one address",
        processes=(
            {"keys": ("own 1",), "cache": "own 1", "server": "one"},
            {"keys": ("own 2",), "cache": "own 2", "certificate": "own", "server": "two"},
        ),
        addresses=1, causes=("mixed-backends",),
    ),
    Fault(
        "ems-differs", "one host does not do extended master secret",
        {"ems": False, "ems_bound": True}, hosts=LAST, causes=("extended-master-secret",),
        also=("not-issued",),
    ),
    Fault(
        "cipher-differs", "one host has no suite of SHA-384",
        {"suites13": (names.AES128_SHA256,), "key_bits12": (128,)}, hosts=LAST,
        causes=("cipher",),
    ),
    Fault(
        "single-use", "a session resumes once", {"single_use": True}, causes=("single-use",),
        harmless=True,
    ),
    Fault(
        "alert-on-one", "one host has another key and answers unknown tickets by an alert",
        {"keys": ("own",), "on_unknown": "alert"}, hosts=LAST, causes=("alert",),
        also=("key-not-shared", "ticket-alert"),
    ),
    Fault(
        "cut-on-one", "one host drops the connection where it would resume",
        {"on_resume": "reset"}, hosts=LAST, causes=("cut-off",),
    ),
    Fault(
        "cut-at-times", "one time in ten the connection is dropped where it would resume",
        {"on_resume": "close"}, one_in=10, causes=("cut-off",), args=("--tries", "10"),
    ),
    Fault(
        "invalid-answer-on-one", "one host resumes with the wrong secret", {"on_resume": "garble"},
        hosts=LAST, causes=("invalid-answer",),
    ),
    Fault(
        "unstable", "one connection in three is dropped, whatever it wants",
        processes=({}, {}, {"answers": False}), causes=("unstable",), addresses=1,
        args=("--tries", "10"),
    ),
    Fault(
        "named-refused", "sessions resume, but for those of a server name",
        {"resumes_named": False}, causes=("sni",), addresses=1,
    ),
    Fault(
        "expires-early", "sessions are forgotten after a second", {"kept": 1}, addresses=1,
        causes=("expired-early",), args=("--aged", "2s"),
    ),
    Fault(
        "no-tls13-on-one", "one host does not speak TLS 1.3", {"versions": (TLS12,)}, hosts=LAST,
        causes=("version",),
    ),
    Fault(
        "early-refused", "early data is promised, and refused", {"early_window": 0}, EARLY,
        causes=("early-refused",), harmless=True,
        args=("--mechanisms", "id12,ticket12,ticket13,early"),
    ),
)

FAULTS = AUDIT + MATRIX
BY_NAME = {fault.name: fault for fault in FAULTS}

# The check that a finding comes of (src/probe/audit/audit.h).
CHECKS = {
    "other-sni": "names", "no-sni": "names", "unknown-sni": "names",
    "client-certificate-bypass": "client-certificate", "modified-ticket-accepted": "tickets",
    "ticket-oracle": "tickets", "ticketbleed": "ticketbleed", "psk-ke": "psk-modes",
    "binder-unchecked": "binders", "hash-mismatch": "hash", "nonce-reused": "ticket-fields",
    "extended-master-secret": "ems", "early-replay": "early-data",
    "early-oversize": "early-data", "weak-key": "keys",
}

# What is tried in every run, with no other checks than those; the long one tries all.
SHORT_RUN = (
    "client-certificate-bypass", "mac-without-name", "padding-oracle", "ticketbleed", "psk-ke",
    "binder-unchecked-at-times", "early-replay", "early-oversize", "key-apart-on-one",
    "key-lagging", "other-context", "caches-apart-alone", "cut-on-one",
)
