"""Clients of the older generation: RPC signature in the query, JSON and XML, curl."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
import uuid
from urllib.parse import quote, urlencode

import pytest

from emulator.tests.support.emulator import RunningEmulator
from emulator.tests.support.programs import need

LONDON = "eu-west-1"

OLDER_SDK = """
import json, sys
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkecs.request.v20140526.DescribeImagesRequest import DescribeImagesRequest
from aliyunsdkecs.request.v20140526.TagResourcesRequest import TagResourcesRequest

client = AcsClient(sys.argv[1], sys.argv[2], sys.argv[3])
describe = DescribeImagesRequest()
describe.set_PageSize(50)
found = json.loads(client.do_action_with_exception(describe))
tag = TagResourcesRequest()
tag.set_ResourceType("image")
tag.set_ResourceIds(["m-none"])
tag.set_Tags([{"Key": "a", "Value": "b"}])
try:
    client.do_action_with_exception(tag)
    code = ""
except ServerException as error:
    code = error.get_error_code()
print(json.dumps({"total": found["TotalCount"], "size": found["PageSize"], "code": code}))
"""


def signed_query(cloud: RunningEmulator, method: str, **params: str) -> str:
    """Sign as the "Request signatures" page says, with HMAC-SHA1."""
    key, secret = cloud.keys
    given = {
        "AccessKeyId": key,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Version": "2014-05-26",
        **params,
    }
    canonical = "&".join(
        f"{quote(name, safe='~')}={quote(given[name], safe='~')}"
        for name in sorted(given)
    )
    text = f"{method}&%2F&{quote(canonical, safe='~')}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return urlencode({**given, "Signature": base64.b64encode(digest).decode()})


def run(cloud: RunningEmulator, *command: str) -> str:
    done = subprocess.run(
        command,
        env=dict(cloud.env),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_older_python_sdk(cloud: RunningEmulator) -> None:
    pytest.importorskip("aliyunsdkecs")
    printed = run(cloud, sys.executable, "-c", OLDER_SDK, *cloud.keys, LONDON)
    assert json.loads(printed) == {
        "total": 0,
        "size": 50,
        "code": "InvalidResourceId.NotFound",
    }


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_hand_made_get_answers_xml_unless_asked(
    cloud: RunningEmulator, scheme: str
) -> None:
    need("curl", "curl")
    url = f"{scheme}://ecs.aliyuncs.com/?"
    as_xml = run(
        cloud, "curl", "-s", url + signed_query(cloud, "GET", Action="DescribeRegions")
    )
    assert as_xml.startswith(
        '<?xml version="1.0" encoding="UTF-8"?><DescribeRegionsResponse>'
    )
    query = signed_query(cloud, "GET", Action="DescribeRegions", Format="JSON")
    assert (
        len(json.loads(run(cloud, "curl", "-s", url + query))["Regions"]["Region"])
        == 32
    )


def test_a_form_is_as_good_as_a_query(cloud: RunningEmulator) -> None:
    need("curl", "curl")
    form = signed_query(
        cloud, "POST", Action="DescribeImages", RegionId=LONDON, Format="JSON"
    )
    printed = run(
        cloud, "curl", "-s", "-d", form, "https://ecs.eu-west-1.aliyuncs.com/"
    )
    assert json.loads(printed)["TotalCount"] == 0


def test_a_wrong_signature_is_refused_in_xml(cloud: RunningEmulator) -> None:
    need("curl", "curl")
    query = signed_query(cloud, "GET", Action="DescribeRegions").replace("1.0", "1.1")
    printed = run(cloud, "curl", "-s", f"https://ecs.aliyuncs.com/?{query}")
    assert "<Code>SignatureDoesNotMatch</Code>" in printed
