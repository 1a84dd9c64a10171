"""Make text that came from outside fit to be shown.

One line, bounded, printable, and without URLs, query strings, keys and signatures: an
error message may be printed, logged and pasted into a bug report.
"""

import re

TEXT_CHARS_MAX = 300
# More than this is not looked at, so that no pattern has much to do.
_INPUT_CHARS_MAX = 4000

_PATTERNS = (
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
    # Signatures and tokens, hexadecimal or base64; request ids are shorter runs.
    (re.compile(r"[A-Za-z0-9+/]{27,}={0,2}"), "<hidden>"),
)
_NOT_CODE = re.compile(r"[^\w.\-]")


def scrub(text: str) -> str:
    """Return ``text`` as one safe line of at most ``TEXT_CHARS_MAX`` characters."""
    line = text[:_INPUT_CHARS_MAX]
    line = "".join(char if char.isprintable() else " " for char in line)
    for pattern, replacement in _PATTERNS:
        line = pattern.sub(replacement, line)
    line = " ".join(line.split())
    if len(line) > TEXT_CHARS_MAX:
        return line[: TEXT_CHARS_MAX - 3] + "..."
    return line


def word(text: str) -> str:
    """Return an error code or request id with nothing in it but word characters."""
    return _NOT_CODE.sub("", text)[:100]
