"""The emulator's own certificate authority: made at start, gone at the end.

The CA's key never leaves this process. Clients trust it for as long as their
environment points at the bundle that ``write_bundle`` leaves in a private folder.
"""

import ssl
from collections import OrderedDict
from pathlib import Path

import trustme

from alicloud_emulator.front import hosts

_CONTEXTS_MAX = 256
"""Contexts kept; one serves all buckets of a region, so this covers 80 regions."""


class CertificateAuthority:
    """A CA in memory, and a server context for any host name."""

    def __init__(self) -> None:
        self._ca = trustme.CA(
            organization_name="alicloud-emulator",
            organization_unit_name="made at start, trusted by nobody else",
        )
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self.by_server_name = self._context_by_server_name()

    @property
    def certificate_pem(self) -> bytes:
        """The CA's certificate."""
        return self._ca.cert_pem.bytes()

    def context(self, host: str) -> ssl.SSLContext:
        """Return a server context with a certificate for ``host``."""
        parent = host.partition(".")[2]
        # One certificate serves all siblings, as the real wildcard certificates do.
        family = parent if parent.endswith(hosts.SUFFIX.lstrip(".")) else host
        context = self._contexts.get(family)
        if context is None:
            names = (host,) if family == host else (family, f"*.{family}")
            context = self._contexts[family] = self._issued(*names)
            while len(self._contexts) > _CONTEXTS_MAX:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(family)
        return context

    def _issued(self, *names: str) -> ssl.SSLContext:
        context = _server_context()
        self._ca.issue_cert(*names).configure_cert(context)
        return context

    def _context_by_server_name(self) -> ssl.SSLContext:
        """A context that picks the certificate by the name the client asks for."""
        # Clients of the door may name no host: they know an address, and no name.
        usual = ("aliyuncs.com", "*.aliyuncs.com", "localhost", "127.0.0.1", "::1")
        context = self._issued(*usual)

        def choose(
            connection: ssl.SSLObject | ssl.SSLSocket,
            server_name: str,  # empty or None: the client named no host
            _initial: ssl.SSLContext,
        ) -> int | None:
            if not server_name:
                return None
            name = hosts.host_name(server_name)
            if hosts.parse(server_name) is None and not hosts.is_own_name(name):
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = self.context(name)
            return None

        context.sni_callback = choose
        return context

    def write_bundle(self, folder: Path) -> Path:
        """Write the CA and the machine's usual roots to ``folder`` and return the file.

        The usual roots keep other hosts verifiable for programs that do not send them
        through the proxy.
        """
        bundle = folder / "ca-bundle.pem"
        bundle.write_bytes(self.certificate_pem + b"\n" + _usual_roots())
        return bundle


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # One ticket, though nobody resumes sessions: it acknowledges the client's last
    # handshake message at once, which else waits for the delayed acknowledgement of
    # TCP (40 ms) with clients that leave Nagle's algorithm on.
    context.num_tickets = 1
    return context


def _usual_roots() -> bytes:
    path: str | None = ssl.get_default_verify_paths().cafile
    if not path:
        try:
            import certifi  # noqa: PLC0415 - only where the system has no bundle
        except ImportError:
            return b""
        path = certifi.where()
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
