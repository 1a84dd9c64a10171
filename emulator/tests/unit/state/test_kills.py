"""``--state`` and a kill in the middle of everything: what was answered is there."""

import hashlib
import json
import os
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any
from zipfile import ZipFile

import oss2
import pytest
from alibabacloud_fc20230330 import models as fc_models
from alibabacloud_fc20230330.client import Client as Fc
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.acs_exception.exceptions import ClientException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from alicloud_emulator import testing
from emulator.tests.support.waiting import until

# The oldest SDK brings its own urllib3, which uses what Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ssl\\.:DeprecationWarning")

REGION = "cn-hangzhou"  # the door's, of who names none
WRITERS = 8


@dataclass
class Answered:
    """What the cloud said was done."""

    objects: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=set)
    images: dict[str, str] = field(default_factory=dict)
    tagged: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.objects) + len(self.deleted) + len(self.buckets)


class Client:
    """Comes by the door, with the SDKs."""

    def __init__(self, cloud: testing.Cloud) -> None:
        self._door, self._key = cloud.proxy, cloud.access_key
        self.pail = self.bucket("pail")

    def bucket(self, name: str) -> oss2.Bucket:
        return oss2.Bucket(oss2.Auth(*self._key), self._door, name)

    def ecs(self, action: str, **given: str) -> dict[str, Any]:
        request = CommonRequest(
            domain=self._door.removeprefix("http://"),
            version="2014-05-26",
            action_name=action,
        )
        request.set_protocol_type("http")
        for name, value in {"RegionId": REGION, **given}.items():
            request.add_query_param(name.replace("_", "."), value)
        client = AcsClient(*self._key, REGION, auto_retry=False)
        answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
        return answer


def put(client: Client, number: int, data: bytes, answered: Answered) -> None:
    client.pail.put_object(f"k{number}", data)
    answered.objects[f"k{number}"] = hashlib.sha256(data).hexdigest()


def put_in_parts(client: Client, number: int, data: bytes, answered: Answered) -> None:
    key, parts = f"k{number}", (bytes(102_400), data + b".")
    upload_id = client.pail.init_multipart_upload(key).upload_id
    done = []
    for part, block in enumerate(parts, start=1):
        etag = client.pail.upload_part(key, upload_id, part, block).etag
        done.append(oss2.models.PartInfo(part, etag))
        answered.parts[upload_id] = key
    client.pail.complete_multipart_upload(key, upload_id, done)
    del answered.parts[upload_id]
    answered.objects[key] = hashlib.sha256(b"".join(parts)).hexdigest()


def put_and_delete(
    client: Client, number: int, data: bytes, answered: Answered
) -> None:
    client.pail.put_object(f"gone{number}", data)
    client.pail.delete_object(f"gone{number}")
    answered.deleted.add(f"gone{number}")


def make_bucket(client: Client, number: int, _: bytes, answered: Answered) -> None:
    client.bucket(f"bucket-{number}").create_bucket()
    answered.buckets.add(f"bucket-{number}")


def import_and_tag(client: Client, number: int, _: bytes, answered: Answered) -> None:
    device = "DiskDeviceMapping_1_"
    source = {f"{device}OSSBucket": "pail", f"{device}OSSObject": "disk"}
    source[f"{device}Format"] = "RAW"
    name = f"image-{number}"
    image_id = client.ecs("ImportImage", ImageName=name, **source)["ImageId"]
    answered.images[image_id] = name
    tag = {"Tag_1_Key": "name", "Tag_1_Value": name}
    client.ecs("TagResources", ResourceType="image", ResourceId_1=image_id, **tag)
    answered.tagged.add(image_id)


RARE: dict[int, Callable[[Client, int, bytes, Answered], None]] = {
    3: put_in_parts,
    5: put_and_delete,
    7: make_bucket,
    11: import_and_tag,
}


def write(
    cloud: testing.Cloud, numbers: Iterator[int], random: Random, answered: Answered
) -> None:
    client = Client(cloud)
    # The cloud goes away in the middle of it.
    with suppress(oss2.exceptions.RequestError, ClientException):
        for number in numbers:
            do = RARE.get(number % 16, put)
            do(client, number, random.randbytes(random.choice((0, 50, 9000))), answered)


@pytest.mark.parametrize("moment", [20, 120, 300])
def test_what_eight_clients_were_answered_is_there_after_a_kill(
    tmp_path: Path, moment: int
) -> None:
    answered, numbers = Answered(), count(1)
    with testing.Cloud(state=tmp_path) as first:
        pail = Client(first).pail
        pail.create_bucket()
        pail.put_object("disk", b"disk" * 1000)
        writers = [
            Thread(target=write, args=(first, numbers, Random(n), answered))
            for n in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        until(lambda: len(answered) >= moment)
        os.kill(first.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
    with testing.Cloud(state=tmp_path) as second:
        buckets = {one.name: one for one in second.things("bucket")}
        assert answered.buckets <= set(buckets)
        there = {one["key"]: one["sha256"] for one in buckets["pail"]["objects"]}
        assert answered.objects.items() <= there.items()
        assert not answered.deleted & set(there)
        uploads = {one["upload_id"] for one in buckets["pail"]["uploads"]}
        # One that was being completed may have been.
        assert all(u in uploads or k in there for u, k in answered.parts.items())
        images = {one.id: one for one in second.things("image")}
        assert {id_: images[id_].name for id_ in answered.images} == answered.images
        assert all(
            images[i]["tags"] == {"name": images[i].name} for i in answered.tagged
        )
        pail = Client(second).pail
        for key, digest in answered.objects.items():
            read = pail.get_object(key).read()
            assert hashlib.sha256(read).hexdigest() == digest
        second.let_pass(3600)

        def statuses() -> set[object]:
            return {one["status"] for one in second.things("image")}

        until(lambda: statuses() <= {"Available"})


CODE = """
import os, time
def handler(event, context):
    with open(event, "ab") as mark:
        mark.write(b"begun ")
    if os.path.getsize(event) == len("begun "):
        time.sleep(60)
    with open(event, "ab") as mark:
        mark.write(b"done ")
"""


def test_accepted_invocations_are_tried_again_after_a_kill(tmp_path: Path) -> None:
    """And what ran does not count as running for ever."""
    state, mark = tmp_path / "state", tmp_path / "mark"
    one_at_once = {"extends": "fast", "limits": {"function_instances": 1}}

    def functions(cloud: testing.Cloud) -> Fc:
        endpoint = cloud.proxy.removeprefix("http://")
        key_id, secret = cloud.access_key
        return Fc(
            Config(
                access_key_id=key_id,
                access_key_secret=secret,
                endpoint=endpoint,
                protocol="http",
            )
        )

    def invoke(cloud: testing.Cloud, kind: str) -> int:
        runtime, payload = RuntimeOptions(read_timeout=60_000), bytes(mark)
        headers = fc_models.InvokeFunctionHeaders(x_fc_invocation_type=kind)
        request = fc_models.InvokeFunctionRequest(body=BytesIO(payload))
        answer = functions(cloud).invoke_function_with_options(
            "job", request, headers, runtime
        )
        return int(answer.status_code)

    with testing.Cloud(state=state, profile=one_at_once) as first:
        zipped = BytesIO()
        with ZipFile(zipped, "w") as package:
            package.writestr("index.py", CODE)
        made = fc_models.CreateFunctionInput(
            function_name="job",
            handler="index.handler",
            runtime="python3.10",
            timeout=60,
            code=fc_models.InputCodeLocation(
                zip_file=b64encode(zipped.getvalue()).decode()
            ),
        )
        functions(first).create_function(fc_models.CreateFunctionRequest(body=made))
        assert invoke(first, "Async") == 202
        until(mark.exists)
        Client(first).pail.create_bucket()  # writes what there is, the count too
        os.kill(first.pid, signal.SIGKILL)
    with testing.Cloud(state=state, profile=one_at_once) as second:
        until(lambda: mark.read_text() == "begun begun done ")
        until(lambda: _is_free(lambda: invoke(second, "Sync")))
        assert mark.read_text() == "begun begun done begun done "
    with testing.Cloud(state=state, profile=one_at_once) as third:
        assert invoke(third, "Sync") == 200
        assert mark.read_text().count("done") == 3, "what was done is not done again"


def _is_free(invoke: Callable[[], int]) -> bool:
    """Whether an invocation is let in: the one before has written, and maybe not ended."""
    try:
        return invoke() == 200
    except TeaException as error:
        if error.code != "ResourceExhausted":
            raise
        return False
