"""The console's page, and whose requests the console answers.

A page of another origin can neither read nor change anything:

* A request names a loopback host, else it came by a name that somebody points here.
* What a browser says to come from a page (``Origin``, ``Sec-Fetch-Site``) comes from this
  page's own origin, and has the token that only this page was given. Other programs say
  neither, and need none.
* The page is in nobody's frame, loads nothing from elsewhere, and runs no script but its
  own, which its policy knows by their hashes.
"""

import base64
import hashlib
import hmac
import re
from importlib.resources import files
from secrets import token_urlsafe

from alicloud_emulator.front.hosts import host_name
from alicloud_emulator.front.http import Head
from alicloud_emulator.products.wire import Response

TOKEN_HEADER = "x-emulator-token"  # noqa: S105 - a header
REFUSED = "the console answers only its own machine's programs, and its own page"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PLACE_OF_TOKEN = "{{token}}"  # noqa: S105 - a place in the page


class Guard:
    """Knows the token of this process's page."""

    def __init__(self) -> None:
        self._token = token_urlsafe(24)

    def refuses(self, head: Head, *, is_page: bool) -> bool:
        """Whether a request is to be refused.

        Args:
            head: The request.
            is_page: Whether it is for the page itself, which holds the token.
        """
        host = head.headers.get("host", "")
        origin = head.headers.get("origin")
        site = head.headers.get("sec-fetch-site", "none")
        if host_name(host) not in _LOOPBACK:
            return True
        if origin is None and site == "none":
            return False  # a program, or somebody who typed the address
        if origin not in {None, f"http://{host}"} or site not in {
            "none",
            "same-origin",
        }:
            return True
        if is_page and head.method == "GET":
            return False
        token = head.headers.get(TOKEN_HEADER, "")
        return not hmac.compare_digest(token.encode(), self._token.encode())

    def page(self) -> Response:
        """Return the page."""
        text = (files(__package__) / "page.html").read_text(encoding="utf-8")
        policy = (
            "default-src 'none'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'; connect-src 'self'; img-src data:;"
            f" script-src {_hashes(text, 'script')}; style-src {_hashes(text, 'style')}"
        )
        return Response(
            headers={
                "Content-Type": "text/html; charset=utf-8",
                "Cache-Control": "no-store",
                "Content-Security-Policy": policy,
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
            },
            body=text.replace(_PLACE_OF_TOKEN, self._token).encode(),
        )


def _hashes(page: str, tag: str) -> str:
    """Return what the policy calls the page's own scripts, or styles."""
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digests = (hashlib.sha256(text.encode()).digest() for text in found)
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests)
