"""The one HTTP session that every product's calls leave through.

The SDKs would each make their own: one TLS context per host (35 ms and 1 MB apiece,
measured; a run talks to some 200 hosts), certificates read again at every connection,
``NO_PROXY`` ignored, and ``.netrc`` allowed to replace the signature. This session has
one TLS context, one proxy rule, pooled connections for all hosts, and bounds on what an
answer may be. It never retries, follows no cookie, and reads no ``.netrc``.
"""

import http.cookiejar
import io
import ssl
import time
from collections.abc import Mapping
from typing import Any

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override

from ali_import.cloud.sdk import endpoints, genuine, pools
from ali_import.cloud.sdk.settings import Settings
from ali_import.errors import ConfigurationError
from ali_import.units import KIB, MIB

# 100 regions of ECS, Function Compute and OSS, each bucket a host of its own.
HOSTS_MAX = 512
# Kept over all hosts. Measured with 100 regions and three images: 182 descriptors at
# most; without the bound one image alone took 398.
IDLE_MAX = 64
CONNECTIONS_PER_HOST_MAX = 32
# One write to the socket; urllib3's own 16 KiB costs four times the system calls.
SEND_BLOCK_BYTES = 64 * KIB
# The largest honest answer is a page of 1000 objects, well under 2 MiB.
ANSWER_BYTES_MAX = 32 * MIB


def session(settings: Settings, adapter: HTTPAdapter | None = None) -> requests.Session:
    """Make the session; safe to use from many threads.

    Args:
        settings: Proxy, certificates and time-outs.
        adapter: What carries its requests; one over sockets if None.

    Raises:
        ConfigurationError: The trusted certificates cannot be read.
    """
    made = requests.Session()
    made.trust_env = False
    # No API redirects; what does is a captive portal, and gets no second request.
    made.max_redirects = 0
    refuse_all = http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
    made.cookies.set_policy(refuse_all)
    adapter = adapter or Adapter(settings)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Make the TLS context: the bundle named, else the system's, else certifi's."""
    bundle = settings.ca_bundle
    try:
        if bundle is None:
            context = ssl.create_default_context()
            if not context.cert_store_stats()["x509_ca"]:
                context.load_verify_locations(certifi.where())
        elif bundle.is_dir():
            context = ssl.create_default_context(capath=str(bundle))
        else:
            context = ssl.create_default_context(cafile=str(bundle))
    except OSError as exc:
        raise ConfigurationError(
            f"{bundle} cannot be read as a bundle of trusted certificates",
            advice="SSL_CERT_FILE must name a PEM file",
        ) from exc
    return context


def _may_lack_id(host: str, response: requests.Response) -> bool:
    """Whether the adapter has another way to know the cloud's answer (``fc.py``)."""
    return response.ok and endpoints.is_fc(host)


class Adapter(HTTPAdapter):
    """requests' adapter with our TLS context, our proxy rule and bounded answers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = tls_context(settings)
        # Where few descriptors may be open, fewer connections are kept.
        self._idle = pools.Idle(max(2, int(IDLE_MAX * settings.share)))
        super().__init__(
            pool_connections=HOSTS_MAX, pool_maxsize=CONNECTIONS_PER_HOST_MAX
        )
        if settings.proxy:
            # Made here, because requests makes it without a lock.
            self.proxy_manager_for(settings.proxy)

    @override
    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(
            connections,
            maxsize,
            block,
            ssl_context=self._context,
            blocksize=SEND_BLOCK_BYTES,
            **pool_kwargs,
        )
        pools.keep_few(self.poolmanager, self._idle)

    @override
    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        if proxy in self.proxy_manager:
            return self.proxy_manager[proxy]
        manager = super().proxy_manager_for(
            proxy,
            ssl_context=self._context,
            proxy_ssl_context=self._context,
            blocksize=SEND_BLOCK_BYTES,
            **proxy_kwargs,
        )
        pools.keep_few(manager, self._idle)
        return manager

    @override
    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        # No TLS keys: the pools already have the one context.
        return host, {}

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the context always verifies, and has its certificates."""

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        # Called with what an SDK thinks of certificates and proxies; we know better.
        host = urllib3.util.parse_url(request.url or "").host or ""
        proxy = self._settings.proxy_for(host)
        # Plain HTTP is for the metadata service of this very machine: never by proxy.
        chosen = {"https": proxy} if proxy else {}
        response = super().send(request, stream=True, timeout=timeout, proxies=chosen)
        body = self._body(response)
        if host.endswith(endpoints.DOMAIN) and not _may_lack_id(host, response):
            genuine.check(response.headers, body)
        response.raw = io.BytesIO(body)
        return response

    def _body(self, response: requests.Response) -> bytes:
        """Read the whole answer, within bounds of size and time."""
        deadline = time.monotonic() + self._settings.answer_timeout_s
        body = bytearray()
        try:
            for block in response.raw.stream(SEND_BLOCK_BYTES, decode_content=True):
                body += block
                if len(body) > ANSWER_BYTES_MAX or time.monotonic() > deadline:
                    # Not read to its end, so the connection cannot be used again.
                    response.raw.close()
                    message = "the answer is too large or too slow"
                    raise requests.ConnectionError(message)
        except urllib3.exceptions.HTTPError as exc:
            raise requests.ConnectionError(exc) from exc
        return bytes(body)
