"""The numbers of TLS that the tests name."""

TLS12 = 0x0303
TLS13 = 0x0304

RSA_AES128 = 0xC02F  # TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
RSA_AES256 = 0xC030
ECDSA_AES128 = 0xC02B
ECDSA_AES256 = 0xC02C
AES128_SHA256 = 0x1301  # TLS_AES_128_GCM_SHA256
AES256_SHA384 = 0x1302

X25519 = 29
SECP256R1 = 23

CCS, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23

CLIENT_HELLO = 1
SERVER_HELLO = 2
NEW_SESSION_TICKET = 4
ENCRYPTED_EXTENSIONS = 8
CERTIFICATE = 11
SERVER_KEY_EXCHANGE = 12
CERTIFICATE_REQUEST = 13
SERVER_HELLO_DONE = 14
CERTIFICATE_VERIFY = 15
CLIENT_KEY_EXCHANGE = 16
FINISHED = 20
CERTIFICATE_STATUS = 22
MESSAGE_HASH = 254

MESSAGES = {
    0: "hello_request",
    SERVER_HELLO: "server_hello",
    NEW_SESSION_TICKET: "new_session_ticket",
    ENCRYPTED_EXTENSIONS: "encrypted_extensions",
    CERTIFICATE: "certificate",
    SERVER_KEY_EXCHANGE: "server_key_exchange",
    CERTIFICATE_REQUEST: "certificate_request",
    SERVER_HELLO_DONE: "server_hello_done",
    CERTIFICATE_VERIFY: "certificate_verify",
    FINISHED: "finished",
    CERTIFICATE_STATUS: "certificate_status",
}

EXT_SNI = 0
EXT_GROUPS = 10
EXT_POINT_FORMATS = 11
EXT_SIGNATURES = 13
EXT_ALPN = 16
EXT_EMS = 23
EXT_TICKET = 35
EXT_PSK = 41
EXT_EARLY_DATA = 42
EXT_VERSIONS = 43
EXT_COOKIE = 44
EXT_PSK_MODES = 45
EXT_KEY_SHARE = 51
EXT_TICKET_REQUEST = 58
EXT_RENEGOTIATION = 65281

PSK_KE, PSK_DHE_KE = 0, 1

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}

# The random of a HelloRetryRequest (RFC 8446 section 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def alert_name(code):
    return ALERTS.get(code, f"alert_{code}")
