"""Only the cloud's own answers count.

Proxies, portals and gateways answer in the cloud's place, with any status: a page to
sign in with 200, an empty 204. Taken for the cloud's, such an answer to a deletion would
leave a bucket behind and say nothing. So an answer counts if it is of the kind that the
call expects and carries the cloud's request id; everything else is no answer, and
whether the call took effect is unknown.

Source: answers captured from the real cloud. ECS and STS name the request in a header
and in the document, OSS in a header (and in the documents of its errors), Function
Compute in the documents of its errors and the headers of its invocations; what its
other answers have was never seen (``fc.py`` says how they are told).
"""

import re
from collections.abc import Mapping

from ali_import.cloud.sdk.answers import GarbledAnswerError

ID_HEADERS = ("x-acs-request-id", "x-oss-request-id", "x-fc-request-id")
_IN_A_DOCUMENT = re.compile(
    rb'"[Rr]equestId"\s*:\s*"[\w.-]+"|<RequestId>\s*[\w.-]+\s*</RequestId>'
)


def has_id(headers: Mapping[str, str]) -> bool:
    """Whether headers, of names in any case, name the cloud's request."""
    return any(value and name.lower() in ID_HEADERS for name, value in headers.items())


def check(headers: Mapping[str, str], body: bytes) -> None:
    """Do nothing if an answer is the cloud's own.

    Raises:
        GarbledAnswerError: It names no request, or is a page for people.
    """
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    if kind.lower().startswith("text/html"):
        raise GarbledAnswerError("the answer is a web page: it is not the cloud's own")
    if not has_id(headers) and not _IN_A_DOCUMENT.search(body):
        raise GarbledAnswerError("the answer has no request id: it is not the cloud's")
