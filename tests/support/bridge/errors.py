"""How a call without an answer shows to the SDKs: as errors of urllib3 and requests."""

import http.client
import socket
from typing import Any

import requests
import urllib3.exceptions as errors

from tests.support.bridge.http import Loss, LostError


def below(lost: LostError, host: str) -> Exception:
    """Return the error that urllib3 raises."""
    pool: Any = None
    match lost.how:
        case Loss.NO_RESOLVER | Loss.NO_HOST:
            away = lost.how is Loss.NO_RESOLVER
            number = socket.EAI_AGAIN if away else socket.EAI_NONAME
            cause = socket.gaierror(number, "no such name, or nobody knows")
            reason = errors.NameResolutionError(host, pool, cause)
            reason.__cause__ = cause
            return errors.MaxRetryError(pool, f"https://{host}/", reason)
        case Loss.SILENCE:
            return errors.ReadTimeoutError(pool, host, "Read timed out.")
        case Loss.HANG_UP:
            gone = http.client.RemoteDisconnected("closed without a response")
            return errors.ProtocolError("Connection aborted.", gone)


def above(lost: LostError, host: str) -> requests.RequestException:
    """Return the error that requests makes of it."""
    error = below(lost, host)
    if isinstance(error, errors.ReadTimeoutError):
        return requests.ReadTimeout(error)
    return requests.ConnectionError(error)
