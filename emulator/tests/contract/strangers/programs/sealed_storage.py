"""Objects that the SDK encrypts before it sends them, with keys from KMS."""

import json
import os

import oss2
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

REGION = "cn-hongkong"
KEY = os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]
DATA = os.urandom(300_000)


def new_key() -> str:
    request = CommonRequest(
        domain=f"kms.{REGION}.aliyuncs.com",
        version="2016-01-20",
        action_name="CreateKey",
    )
    request.set_protocol_type("https")
    made = json.loads(AcsClient(*KEY, REGION).do_action_with_exception(request))
    return str(made["KeyMetadata"]["KeyId"])


provider = oss2.AliKMSProvider(*KEY, REGION, new_key(), passphrase="sesame")
stranger = oss2.AliKMSProvider(*KEY, REGION, new_key(), passphrase="other")
place = (oss2.Auth(*KEY), f"https://oss-{REGION}.aliyuncs.com", "strangers-sealed")
sealed = oss2.CryptoBucket(*place, crypto_provider=provider)
plain = oss2.Bucket(*place)
plain.create_bucket()
sealed.put_object("k", DATA)
stored = plain.get_object("k")
try:
    oss2.CryptoBucket(*place, crypto_provider=stranger).get_object("k")
    opened = True
except oss2.exceptions.OpenApiServerError:
    opened = False
print(
    json.dumps(
        {
            "read": sealed.get_object("k").read() == DATA,
            "part": sealed.get_object("k", byte_range=(1000, 1999)).read()
            == DATA[1000:2000],
            "stored": stored.read() == DATA,
            "wrapped_by": stored.headers["x-oss-meta-client-side-encryption-wrap-alg"],
            "opened_by_others": opened,
        }
    )
)
