"""The emulator's authority in the forms in which programs keep what they trust.

The bundle is enough for most; Java reads a store of its own, and OpenSSL finds
certificates in a folder by a hash of their subject.
"""

import hashlib
import ssl
import struct
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509

from alicloud_emulator.front.environment import STORE_PASSWORD

_MAGIC, _VERSION, _CERTIFICATE = 0xFEEDFEED, 2, 2
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def certificates(bundle: str) -> list[bytes]:
    """Return the certificates of a PEM bundle as DER."""
    return [
        ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{text.partition(_END)[0]}{_END}\n")
        for text in bundle.split(_BEGIN)[1:]
    ]


def java_store(trusted: Iterable[bytes]) -> bytes:
    """Return a store of certificates (DER) as every Java reads it: JKS.

    Source: the format as OpenJDK's ``JavaKeyStore`` writes it. It ends with a SHA-1 of
    password, a salt and all before: a checksum, in fact.
    """
    entries = [
        struct.pack("!I", _CERTIFICATE)
        + _text(f"trusted-{number}")
        + struct.pack("!Q", 0)
        + _text("X.509")
        + struct.pack("!I", len(der))
        + der
        for number, der in enumerate(trusted)
    ]
    head = struct.pack("!III", _MAGIC, _VERSION, len(entries))
    store = head + b"".join(entries)
    salt = STORE_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return store + hashlib.sha1(salt + store, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    data = text.encode("ascii")
    return struct.pack("!H", len(data)) + data


def subject_hash(pem: bytes) -> str:
    """Return the name under which OpenSSL looks for a certificate, less its ``.0``.

    Source: ``X509_NAME_hash``: SHA-1 of the subject's parts, their text as UTF8String,
    in lower case and without needless blanks; the first four bytes, the least first.
    """
    subject = x509.load_pem_x509_certificate(pem).subject
    parts = b"".join(
        _tagged(0x31, b"".join(_canonical(one) for one in part))
        for part in subject.rdns
    )
    digest = hashlib.sha1(parts, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _canonical(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    value = attribute.value if isinstance(attribute.value, str) else ""
    text = " ".join(value.split()).lower().encode()
    name = attribute.oid.dotted_string
    return _tagged(0x30, _identifier(name) + _tagged(0x0C, text))


def _identifier(dotted: str) -> bytes:
    """Return an object identifier as DER."""
    first, second, *rest = map(int, dotted.split("."))
    data = b""
    for number in (40 * first + second, *rest):
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        data += bytes(reversed(digits))
    return _tagged(0x06, data)


def _tagged(tag: int, data: bytes) -> bytes:
    size = len(data)
    length = bytes([size]) if size < 0x80 else b"\x82" + struct.pack("!H", size)
    return bytes([tag]) + length + data


def write_java_store(bundle: Path) -> Path:
    """Write a store of what a bundle has beside it, and return the file."""
    store = bundle.with_name("trusted.jks")
    store.write_bytes(java_store(certificates(bundle.read_text(encoding="utf-8"))))
    return store
