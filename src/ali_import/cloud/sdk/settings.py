"""How calls leave this machine: proxy, trusted certificates, time-outs.

These are the standard variables of corporate networks. They hold for every product
alike, because all of them leave through one session (``wire.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

from ali_import.errors import ConfigurationError

# The first that is set wins: OpenSSL's own name, then those of requests and curl.
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Lower case first, as curl does.
PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
NO_PROXY_VARIABLES = ("no_proxy", "NO_PROXY")

# 152 calls at once at most (``cloud.py``), 88 of which may read a file meanwhile; and 64
# idle connections (``wire.py``).
DESCRIPTORS_WANTED = 304
# RFC 3986, 3.2.1, and the percent sign of what is quoted already.
_SAFE_IN_USER = "%:!$&'()*+,;=~"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Connection settings, the same for every product.

    Attributes:
        proxy: URL of an HTTP proxy, or ""; never shown, it may hold a password.
        no_proxy: Host names and suffixes that are reached without it.
        ca_bundle: PEM file or directory of certificates to trust instead of the
            system's; None trusts the system's.
        connect_timeout_s: Limit for making a connection and for sending one block.
        read_timeout_s: Longest silence while an answer is awaited.
        answer_timeout_s: Longest time from the first to the last byte of an answer.
        invocation_timeout_s: Longest silence of a function invocation; must exceed
            the function's own limit, or its answer would be lost.
        descriptors_max: How many sockets and files may be open at once.
    """

    proxy: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_bundle: Path | None = None
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0
    answer_timeout_s: float = 60.0
    invocation_timeout_s: float = 150.0
    descriptors_max: int = DESCRIPTORS_WANTED

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Raises:
            ConfigurationError: The proxy is no HTTP proxy URL, or the certificates
                named are not there.
        """
        return cls(
            proxy=_proxy(environ),
            no_proxy=_no_proxy(environ),
            ca_bundle=_ca_bundle(environ),
        )

    @property
    def share(self) -> float:
        """How much of what is wanted at once may be had, more than 0 and at most 1."""
        return min(1.0, self.descriptors_max / DESCRIPTORS_WANTED)

    def proxy_for(self, host: str) -> str:
        """Return the proxy to reach ``host`` by, or "" for none.

        An entry of ``no_proxy`` matches its host and every name below it.
        """
        for entry in self.no_proxy:
            if entry in {"*", host} or host.endswith("." + entry):
                return ""
        return self.proxy


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            return name, value
    return "", ""


def _proxy(environ: Mapping[str, str]) -> str:
    name, value = _first(environ, PROXY_VARIABLES)
    if not value:
        return ""
    scheme, _, rest = (value if "://" in value else f"http://{value}").partition("://")
    # A password may hold what would end the host in a URL, so it is taken to the last @.
    user, at, host = rest.rpartition("@")
    url = f"{scheme}://{quote(user, safe=_SAFE_IN_USER)}{at}{host}"
    advice = f"set {name} to http://HOST:PORT or unset it"
    # The value is not repeated in a message: it may hold a password.
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError as exc:
        raise ConfigurationError(f"{name} is not a URL", advice=advice) from exc
    if not usable or parts.scheme not in {"http", "https"}:
        raise ConfigurationError(f"{name} does not name an HTTP proxy", advice=advice)
    return url


def _no_proxy(environ: Mapping[str, str]) -> tuple[str, ...]:
    _, value = _first(environ, NO_PROXY_VARIABLES)
    entries = (entry.strip().lower() for entry in value.split(","))
    # ".example.com", "*.example.com" and "example.com:443" mean the plain name.
    names = (
        entry if entry == "*" else entry.removeprefix("*").lstrip(".").split(":")[0]
        for entry in entries
    )
    return tuple(name for name in names if name)


def _ca_bundle(environ: Mapping[str, str]) -> Path | None:
    name, value = _first(environ, CA_VARIABLES)
    if not value:
        return None
    path = Path(value)
    if not path.exists():
        raise ConfigurationError(
            f"{name} names {path}, which does not exist",
            advice=f"point {name} at a PEM file of trusted certificates or unset it",
        )
    return path
