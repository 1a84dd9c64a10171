"""Text from elsewhere made fit to be shown: no secrets, no control codes.

Twice, because neither knows all that the other does. Messages of the cloud and of
proxies are *scrubbed* where they come in: one short line without URLs, keys and
signatures, whatever they are part of. Everything that goes to standard error, the log or
a report is *redacted* where it goes out: file names, tracebacks and libraries' messages
too. The patterns cover what Alibaba Cloud's signatures and credentials look like; an
access key secret looks like nothing, so known secrets (those in the environment) are
blotted out by value too.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, unquote

BLOT: Final = "***"

# A value of fewer characters is no secret of Alibaba Cloud's, and blotting it out
# everywhere would garble ordinary words.
SECRET_CHARACTERS_MIN: Final = 8

# Spelled with "_", "-" or neither, with or without x-oss-, x-acs- or ALIBABA_CLOUD_ in
# front of it. Not "signature" followed by "nonce", "method" or "version".
_SENSITIVE: Final = (
    r"(?:access[_-]?key[_-]?(?:secret|id)|(?:security|session|bearer|oidc|refresh|access)"
    r"[_-]?token|signature|credential|oss[_-]?access[_-]?key[_-]?id|private[_-]?key"
    r"|client[_-]?secret|(?<!/)passw(?:or)?d)"
)
# What stands between a name and its value in headers, queries, JSON, and reprs.
_BETWEEN: Final = r"""(?:\\?["']?\s*(?:[:=]|%3D)\s*|\\?["']\s*,\s*)b?\\?"""
# A value: quoted, or up to white space or a separator.
_VALUE: Final = r"""(?:"[^"\n]*"?|'[^'\n]*'?|[^\s,;&"'<>)}\]]+)"""
_LINE: Final = r"""(?:"[^"\n]*"?|'[^'\n]*'?|[^"'\n]+)"""

_PATTERNS: Final = (
    # The whole value of an Authorization header.
    (re.compile(rf"(?i)(authorization{_BETWEEN}){_LINE}"), rf"\1{BLOT}"),
    # A signature scheme with its credential, wherever it stands.
    (
        re.compile(
            r"(?i)\b(OSS4-HMAC-[A-Z0-9]+|ACS3-[A-Z0-9-]+)\s+[^\s\"']*=[^\n\"']*"
        ),
        rf"\1 {BLOT}",
    ),
    (re.compile(r"\b(OSS|acs)\s+[^\s:\"']{8,}:[A-Za-z0-9+/]{27}="), rf"\1 {BLOT}"),
    # User name and password in a URL, for example of a proxy. Lengths are bounded, so
    # that hostile text takes no time.
    (
        re.compile(
            r"(?i)(\b[a-z][a-z0-9+.-]{0,15}://)"
            r"(?:[^\s/:\"'<>]{0,99}:[^\s\"'<>]{0,999}|[^\s/\"'<>]{1,999})@"
        ),
        rf"\1{BLOT}@",
    ),
    # The query of a URL, then of a path in a request line.
    (
        re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,15}://[^\s?\"'<>]{0,999}\?)[^\s\"'<>]+"),
        rf"\1{BLOT}",
    ),
    (
        re.compile(r"(\?)(?:[A-Za-z0-9_.~%-]+=[^\s\"'<>]*|[^\s\"'<>]{16,})"),
        rf"\1{BLOT}",
    ),
    (re.compile(rf"(?i)({_SENSITIVE}{_BETWEEN}){_VALUE}"), rf"\1{BLOT}"),
    # Access key ids and security tokens by their shape.
    (re.compile(r"(?:LTAI|TMP\.|STS\.)[A-Za-z0-9]{8,}"), BLOT),
)

_SECRET_VARIABLES: Final = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "OSS_ACCESS_KEY_ID",
    "OSS_ACCESS_KEY_SECRET",
    "OSS_SESSION_TOKEN",
)
_PROXY_VARIABLES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")

# C0 and C1 controls, the separators that terminals may take for a new line, and the
# marks that reorder text (a file name could use them to look like something else).
_CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# How Python holds the bytes of a file's name that are not UTF-8.
_BYTES: Final = re.compile("[\udc80-\udcff]")
_CONTROLS_IN_LINES: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Redactor:
    """Blots out secrets, by their look and by their value."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= SECRET_CHARACTERS_MIN
            for spelling in (secret, quote(secret, safe=""), quote(secret))
        }
        # The longest first: a secret may be a part of another one's spelling.
        self._secrets = tuple(sorted(spellings, key=lambda text: (-len(text), text)))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Redactor":
        """Know the credentials and proxy passwords that the environment holds."""
        secrets = [environment.get(name, "") for name in _SECRET_VARIABLES]
        for name in _PROXY_VARIABLES:
            for spelling in (name, name.lower()):
                secrets.extend(_passwords(environment.get(spelling, "")))
        return cls(secrets)

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret in it replaced by ``***``."""
        for secret in self._secrets:
            text = text.replace(secret, BLOT)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def line(self, text: str) -> str:
        """Return ``text`` redacted, on one line and without control characters."""
        return one_line(self.redact(text))

    def lines(self, text: str) -> str:
        """Return ``text`` redacted and without control characters but new lines."""
        return _CONTROLS_IN_LINES.sub("?", with_bytes(self.redact(text)))


def one_line(text: str) -> str:
    """Put ``text`` on one line: white space folded, other control characters shown."""
    return _CONTROLS.sub("?", " ".join(with_bytes(text).split()))


def with_bytes(text: str) -> str:
    """Show bytes of file names that are not UTF-8 as a backslash, x, and two digits."""
    return _BYTES.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", text)


def _passwords(proxy: str) -> tuple[str, ...]:
    """Return the password in a proxy's URL, as written there and as it is meant."""
    # Not with urlsplit: a "#" or "/" in a password ends the host there.
    user = proxy.partition("://")[2] or proxy
    password = user.rpartition("@")[0].partition(":")[2]
    return (password, unquote(password))


# --- what comes in --------------------------------------------------------------------

TEXT_CHARS_MAX: Final = 300
# More than this is not looked at, so that no pattern has much to do.
_INPUT_CHARS_MAX: Final = 4000

_SCRUBBED: Final = (
    (re.compile(r"[a-z][a-z0-9+.-]{0,15}://\S+", re.IGNORECASE), "<url>"),
    (re.compile(r"\?[\w.%-]*=\S*"), "?<hidden>"),
    (
        re.compile(
            r"\b((?:x-(?:oss|acs)-[a-z0-9-]+|authorization|(?:signed|sts|security)"
            r"[-_]?token|signature\w*|string-?to-?sign|oss4?-?credential|credential"
            r"|(?:oss)?access-?key\w*)\b\"?\s*[=:]\s*)[^,;]+",
            re.IGNORECASE,
        ),
        r"\1<hidden>",
    ),
    (re.compile(r"\b(?:LTAI|STS\.|TMP\.)[A-Za-z0-9.]{4,}"), "<key>"),
    # Signatures and tokens, hexadecimal or base64; request ids are shorter runs. Words
    # LikeThese are names of the cloud's actions.
    (
        re.compile(
            r"(?<![A-Za-z0-9+/])(?!(?:[A-Z][a-z]{2,}){2,}(?![A-Za-z0-9+/=]))"
            r"[A-Za-z0-9+/]{27,}={0,2}"
        ),
        "<hidden>",
    ),
)
_NOT_CODE: Final = re.compile(r"[^\w.\-]")


def scrub(text: str) -> str:
    """Return ``text`` as one safe line of at most ``TEXT_CHARS_MAX`` characters."""
    line = text[:_INPUT_CHARS_MAX]
    line = "".join(char if char.isprintable() else " " for char in line)
    for pattern, replacement in _SCRUBBED:
        line = pattern.sub(replacement, line)
    line = " ".join(line.split())
    if len(line) > TEXT_CHARS_MAX:
        return line[: TEXT_CHARS_MAX - 3] + "..."
    return line


def word(text: str) -> str:
    """Return an error code or request id with nothing in it but word characters."""
    return _NOT_CODE.sub("", text)[:100]
