"""OpenSSL's ticket - key name, IV, AES-CBC, HMAC-SHA256 - opened, and sealed anew, by ourselves."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import tickets

NAME, IV, MAC = 16, 16, 32


def is_authentic(ticket, hmac):
    return tickets.mac(hmac, ticket[:-MAC]) == ticket[-MAC:]


def opened(ticket, aes):
    """The session inside."""
    iv, sealed = ticket[NAME:NAME + IV], ticket[NAME + IV:-MAC]
    decryptor = Cipher(algorithms.AES(aes), modes.CBC(iv)).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    assert plain[-plain[-1]:] == plain[-1:] * plain[-1], "not this key's: no padding"
    assert plain[0] == 0x30, "no session inside"
    return plain[:-plain[-1]]


def sealed(session, key):
    """With a fresh IV, so it is none of the server's own tickets."""
    return tickets.openssl(key.aes, key.hmac, plain=session, name=key.name)
