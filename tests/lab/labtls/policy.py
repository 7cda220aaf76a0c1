"""What a server does. The defaults are sound; each field is one way of not being so."""

from dataclasses import dataclass, replace

from rawtls import TLS12, TLS13, names

DAY = 86400


@dataclass(frozen=True)
class Policy:
    # What it speaks.
    versions: tuple = (TLS13, TLS12)
    suites13: tuple = (names.AES256_SHA384, names.AES128_SHA256)
    key_bits12: tuple = (256, 128)  # of AES-GCM, in order of preference
    groups: tuple = (names.X25519, names.SECP256R1)
    alpn: tuple = ("http/1.1", "h2")
    ems: bool = True
    certificate: str = "fleet"  # "own": this host shows another one for the same names
    server: str = "lab"  # what it calls itself in HTTP
    renegotiation: str = "refused"  # "secure" (RFC 5746), "insecure": of no matter what connection

    answers: bool = True  # False: it accepts the connection and drops it

    # What it issues.
    tickets12: bool = True
    session_ids: bool = True
    tickets13: int = 2
    renewed13: int = 1  # after a resumption
    reissue: str = "fresh"  # "same": a resumption gives the ticket back that it was offered
    age_add: str = "random"  # "zero", "fixed"
    nonce: str = "counter"  # "same"
    lifetime: int = 7200  # as advertised, in seconds
    kept: int | None = None  # after how many seconds it is refused; None: as advertised
    max_age: int | None = 7200  # since the full handshake; None: resumptions prolong without end

    # How it seals: labels of keys, the first of which seals; those of "own..." are this host's.
    keys: tuple = ("fleet",)
    key_name: str | None = None  # another label for the name, so that two keys have one name
    seal: str = "cbc"  # "plain": not encrypted; "stream": AES-CTR that always starts anew
    mac: str = "whole"  # see ticket.py
    cache: str = "fleet"  # label of the session cache; "own...": of this host; "none": none

    # What it resumes.
    context: str = "fleet"  # session ID context
    sni_bound: bool = True
    client_bound: bool = True  # a session without a client's certificate is none where one is due
    ems_bound: bool = True
    hash_bound: bool = True
    version_bound: bool = True
    single_use: bool = False
    kill_on_failure: bool = False  # a resumption that fails deletes the session from the cache
    on_unknown: str = "full"  # what a ticket that does not open gets: "full", "alert", "close"
    on_resume: str = "go on"  # "close", "reset" in place of the ServerHello; "garble": a wrong key
    resumes_named: bool = True  # False: only what came without a server name
    echo: str = "exact"  # of the session ID beside a ticket: "padded" with what was in memory

    # TLS 1.3.
    psk_ke: bool = False
    binder: str = "checked"  # "unchecked", "prefix", "byte", "stale", "any"
    most_identities: int = 8  # that are looked at
    flood: str = "bounded"  # "falls": over many identities or a huge one; "stalls" over many

    # Early data.
    early: int = 0  # bytes; 0: none
    early_once: str = "atomic"  # "never" looked at; "race": looked up first, noted later
    early_elsewhere: bool = False  # another host than the issuing one accepts it too
    early_bound: bool = True  # to the ALPN protocol
    early_named: bool = True  # False: with early data beside it no session is bound to its name
    early_counted: bool = True  # False: more is taken than the ticket allows
    early_window: int | None = 10  # seconds between the age told and the true one

    def but(self, **changes):
        return replace(self, **changes)
