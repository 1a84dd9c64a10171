"""The environment in which a program uses the emulator without knowing of it.

``exec`` gives it to its command, ``env`` prints it, and functions get the part that is
about the network.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

STORE_PASSWORD = "changeit"  # noqa: S105 - Java's own; the store has no secrets
_JAVA = "JAVA_TOOL_OPTIONS"
_OF_JAVA = re.compile(
    r"-D(?:javax\.net\.ssl\.trustStore\w*|https?\.proxy(?:Host|Port)"
    r"|http\.nonProxyHosts)=\S*\s*"
)
HOOKS = Path(str(files("alicloud_emulator") / "front" / "hooks"))
"""``sitecustomize.py`` for Python and ``preload.cjs`` for Node.js."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_NO_PROXIES = ("NO_PROXY", "no_proxy")
_BUNDLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "ALICLOUD_EMULATOR_CA",
)
_ENDPOINTS = (
    "ALICLOUD_EMULATOR_ENDPOINT",
    "OSS_ENDPOINT",  # ossutil, and the samples of the SDKs
    "ALICLOUD_OSS_ENDPOINT",  # Terraform's backend
    "AWS_ENDPOINT_URL_S3",  # SDKs and command line of AWS, for the S3-compatible API
)
# Addresses that mean all interfaces, and how one of them is reached.
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound here
_KEY_IDS = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABACLOUD_ACCESS_KEY_ID",
    "ALICLOUD_ACCESS_KEY",
    "ALICLOUD_ACCESS_KEY_ID",
    "ALIYUN_ACCESS_KEY_ID",
    "OSS_ACCESS_KEY_ID",
)
_KEY_SECRETS = (
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABACLOUD_ACCESS_KEY_SECRET",
    "ALICLOUD_ACCESS_KEY_SECRET",
    "ALICLOUD_SECRET_KEY",
    "ALIYUN_ACCESS_KEY_SECRET",
    "OSS_ACCESS_KEY_SECRET",
)

REMOVED = (
    # Tokens and ways to credentials that would win over the emulator's keys.
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABACLOUD_SECURITY_TOKEN",
    "ALICLOUD_SECURITY_TOKEN",
    "ALIYUN_SECURITY_TOKEN",
    "OSS_SESSION_TOKEN",
    "OSS_SECURITY_TOKEN",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_CREDENTIALS_URI",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_ECS_METADATA",
    # boto3 takes REQUESTS_CA_BUNDLE as well; rclone cannot do with this one.
    "AWS_CA_BUNDLE",
    # Endpoints set by hand would lead past the emulator's host names.
    "ALL_PROXY",
    "all_proxy",
)
"""Variables taken out of a child's environment."""


def proxy_url(address: str, port: int) -> str:
    """Return the URL by which this machine's programs reach a listening address."""
    reached = _REACHED_AT.get(address, address)
    return (
        f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    )


def endpoint_url(address: str, port: int) -> str:
    """Return the URL of the door; by name where the name leads to the address."""
    if _REACHED_AT.get(address, address) == "127.0.0.1":
        return f"http://localhost:{port}"
    return proxy_url(address, port)


def endpoints(url: str) -> dict[str, str]:
    """Return the variables that lead programs to the door.

    Args:
        url: The proxy's, which is the door's by its address: SDKs of object storage put
            the bucket before a name, and not every resolver finds what is below
            ``localhost``.
    """
    return dict.fromkeys(_ENDPOINTS, url)


def network(proxy: str, bundle: Path) -> dict[str, str]:
    """Return the variables that lead a program's requests to the front.

    Args:
        proxy: URL of one of its ports.
        bundle: File of trusted certificates with the emulator's CA among them.
    """
    return {
        **dict.fromkeys(_PROXIES, proxy),
        **dict.fromkeys(_NO_PROXIES, "localhost,127.0.0.1,::1"),
        **dict.fromkeys(_BUNDLES, str(bundle)),
        "ALICLOUD_EMULATOR_PROXY": proxy,
    }


def without_proxies(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a program whose network leads nowhere else."""
    proxies = {*_PROXIES, *_NO_PROXIES}
    return {name: value for name, value in env.items() if name not in proxies}


def credentials(access_key_id: str, access_key_secret: str) -> dict[str, str]:
    """Return credentials in every spelling that SDKs and tools read."""
    return {
        **dict.fromkeys(_KEY_IDS, access_key_id),
        **dict.fromkeys(_KEY_SECRETS, access_key_secret),
        # Off the cloud the metadata service only costs a time-out.
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
    }


def java(proxy: str, store: Path) -> dict[str, str]:
    """Return what Java programs are told, since they mind neither of the others.

    Args:
        proxy: URL of the front; "" for none.
        store: What they are to trust, as Java keeps it.
    """
    options = {
        "javax.net.ssl.trustStore": str(store),
        "javax.net.ssl.trustStoreType": "JKS",
        "javax.net.ssl.trustStorePassword": STORE_PASSWORD,
    }
    if proxy:
        host, _, port = proxy.rpartition("//")[2].rpartition(":")
        for scheme in ("http", "https"):
            options[f"{scheme}.proxyHost"] = host.strip("[]")
            options[f"{scheme}.proxyPort"] = port
        options["http.nonProxyHosts"] = "localhost|*.localhost|127.*|[::1]"
    return {_JAVA: " ".join(f"-D{name}={value}" for name, value in options.items())}


def with_java(env: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what Java is told on top of what ``env`` tells it."""
    others = _OF_JAVA.sub("", env.get(_JAVA, "")).strip()
    return {_JAVA: f"{others} {given[_JAVA]}".lstrip()}


def hooks(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that load the hooks, on top of what ``env`` has of them."""
    preload = f'--require "{HOOKS / "preload.cjs"}"'
    paths = [path for path in env.get("PYTHONPATH", "").split(":") if path]
    others = env.get("NODE_OPTIONS", "").replace(preload, "").strip()
    return {
        "PYTHONPATH": ":".join(dict.fromkeys([str(HOOKS), *paths])),
        "NODE_OPTIONS": f"{others} {preload}".lstrip(),
    }
