"""
What each server does, with its keys shared and without: who resumes whose sessions. docs/SERVERS.md
tells it to people; test_matrix.py holds the servers to it, the oracle and the prober.

All are at three addresses. A matrix has a row for the address that issued the session and a column
for the one it was offered at.
"""

from oracle import NOT_ISSUED, REFUSED, RESUMED

ANY = "?"  # now this, now that: one process of several knows the session


def _square(n, cell):
    return [[cell(i, j) for j in range(n)] for i in range(n)]


def everywhere(n):
    return _square(n, lambda i, j: RESUMED)


def own(n):
    """Where it was issued and nowhere else."""
    return _square(n, lambda i, j: RESUMED if i == j else REFUSED)


def own_at_times(n):
    return _square(n, lambda i, j: ANY if i == j else REFUSED)


def at_times(n):
    return _square(n, lambda i, j: ANY)


def nowhere(n):
    """Issued, and forgotten."""
    return _square(n, lambda i, j: REFUSED)


def not_issued(n):
    return _square(n, lambda i, j: NOT_ISSUED)


def behind(n):
    """The last opens its own key only, the others that one too."""
    return _square(n, lambda i, j: REFUSED if j == n - 1 and i != j else RESUMED)


# Server and keys: by session ID in TLS 1.2, by ticket in TLS 1.2, in TLS 1.3.
SERVERS = {
    ("nginx", "shared"): (own, everywhere, everywhere),
    ("nginx", "separate"): (own, own, own),
    ("nginx", "one"): (everywhere, everywhere, everywhere),
    ("nginx", "none"): (own, not_issued, own),
    ("nginx", "lagging"): (own, behind, behind),
    ("nginx-short-key", "shared"): (own, everywhere, everywhere),
    ("nginx-certificates", "shared"): (own, own, own),
    ("nginx-workers", "separate"): (own_at_times, own, own),
    ("apache", "shared"): (own, everywhere, everywhere),
    ("apache", "separate"): (own, own, own),
    ("apache", "one"): (everywhere, everywhere, everywhere),
    ("apache", "none"): (own, not_issued, own),
    ("h2o", "shared"): (own, everywhere, everywhere),
    ("h2o", "separate"): (own, own, own),
    ("h2o", "one"): (own, everywhere, everywhere),
    ("h2o", "none"): (own, not_issued, own),
    ("lighttpd", "shared"): (not_issued, everywhere, everywhere),
    ("lighttpd", "separate"): (not_issued, own, own),
    ("lighttpd", "one"): (not_issued, everywhere, everywhere),
    ("lighttpd", "none"): (not_issued, not_issued, nowhere),
    ("node", "shared"): (nowhere, everywhere, everywhere),
    ("node", "separate"): (nowhere, own, own),
    ("node", "one"): (nowhere, everywhere, everywhere),
    ("node", "none"): (nowhere, not_issued, nowhere),
    ("node-told-by-argument", "shared"): (nowhere, own, own),
    ("s_server", "separate"): (own, own, own),
    ("s_server", "one"): (everywhere, everywhere, everywhere),
    ("s_server", "none"): (own, not_issued, own),
    ("gnutls-serv", "separate"): (own, own, own),
    ("gnutls-serv", "one"): (everywhere, everywhere, everywhere),
    ("gnutls-serv", "none"): (own, not_issued, not_issued),
    ("haproxy-http", "shared"): (own, everywhere, everywhere),
    ("haproxy-http", "separate"): (own, own, own),
    ("haproxy-http", "one"): (everywhere, everywhere, everywhere),
    ("haproxy-http", "none"): (own, not_issued, own),
    ("haproxy-tcp", "shared"): (own, everywhere, everywhere),
    ("haproxy-tcp", "separate"): (own, own, own),
    ("haproxy-tcp", "one"): (everywhere, everywhere, everywhere),
    ("haproxy-tcp", "none"): (own, not_issued, own),
    ("hitch", "separate"): (own_at_times, own, own),
    ("hitch", "one"): (at_times, everywhere, everywhere),
    ("stunnel", "shared"): (own, everywhere, everywhere),
    ("stunnel", "separate"): (own, own, own),
    ("stunnel", "one"): (own, own, own),
    ("stunnel", "none"): (own, not_issued, own),
    ("trafficserver", "shared"): (own, everywhere, everywhere),
    ("trafficserver", "separate"): (own, own, own),
    ("trafficserver", "one"): (everywhere, everywhere, everywhere),
    ("trafficserver", "none"): (own, not_issued, nowhere),
    ("trafficserver-certificates", "shared"): (own, own, own),
    ("reprised", "shared"): (own, everywhere, everywhere),
    ("reprised", "separate"): (own, own, own),
    ("reprised", "one"): (everywhere, everywhere, everywhere),
    ("reprised", "none"): (own, not_issued, not_issued),
}


def alike(seen, wanted):
    """Both matrices of cells, a cell of several tries as several letters."""
    return all(
        w == ANY and set(s) <= {RESUMED, REFUSED} or set(s) == {w}
        for row, expected in zip(seen, wanted) for s, w in zip(row, expected))


def text(matrix):
    return "/".join(",".join(row) for row in matrix)
