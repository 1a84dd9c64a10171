"""Object storage's presigned URLs, made by hand: any HTTP client can use them."""

import base64
import hashlib
import hmac
import time
from urllib.parse import quote


def presigned(
    access_key: tuple[str, str],
    method: str,
    bucket: str,
    key: str = "",
    *,
    region: str = "eu-central-1",
) -> str:
    """Return a URL as the page "Add signatures to URLs" says, valid for a minute."""
    key_id, secret = access_key
    expires = int(time.time()) + 60
    text = f"{method}\n\n\n{expires}\n/{bucket}/{key}"
    mac = hmac.digest(secret.encode(), text.encode(), hashlib.sha1)
    signature = quote(base64.b64encode(mac).decode(), safe="")
    return (
        f"https://{bucket}.oss-{region}.aliyuncs.com/{quote(key)}"
        f"?OSSAccessKeyId={key_id}&Expires={expires}&Signature={signature}"
    )
