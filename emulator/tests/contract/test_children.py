"""Programs that know nothing of the emulator, unchanged, under its environment.

They ignore proxies, pin certificates, or were written years ago; the start-up hooks and
the variables of ``exec`` are all they get.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator


def python(
    cloud: RunningEmulator, code: str, env: Mapping[str, str] | None = None
) -> str:
    return _run([sys.executable, "-c", code], {**cloud.env, **(env or {})})


def node(cloud: RunningEmulator, code: str) -> str:
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs 'node' on PATH")
    return _run([program, "--input-type=module", "-e", code], cloud.env)


def _run(command: list[str], env: Mapping[str, str]) -> str:
    ended = subprocess.run(
        command, env=dict(env), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


OLD_RPC_SDK = """
import os
from aliyunsdkcore.client import AcsClient
from aliyunsdkecs.request.v20140526.DescribeImagesRequest import DescribeImagesRequest
for region in ("cn-hangzhou", "ap-southeast-7", "na-south-1"):
    client = AcsClient(os.environ["ALIYUN_ACCESS_KEY_ID"],
                       os.environ["ALIYUN_ACCESS_KEY_SECRET"], region)
    for method in ("GET", "POST"):
        request = DescribeImagesRequest()
        request.set_method(method)
        request.set_accept_format("json")
        print(client.do_action_with_exception(request)[:9])
"""


def test_the_oldest_rpc_sdk_finds_endpoints_and_trusts_them(
    cloud: RunningEmulator,
) -> None:
    assert python(cloud, OLD_RPC_SDK).splitlines() == ["""b'{"TotalCo'"""] * 6


OLD_OSS_SDK = """
import os, oss2
key = os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]
for auth in (oss2.Auth(*key), oss2.AuthV4(*key)):
    bucket = oss2.Bucket(auth, "https://oss-us-west-1.aliyuncs.com", "old-sdk",
                         region="us-west-1")
    bucket.create_bucket()
    bucket.put_object("a", b"xyz")
    print(bucket.get_object("a").read())
    bucket.delete_object("a")
    bucket.delete_bucket()
"""


def test_the_older_oss_sdk_works_with_both_signatures(cloud: RunningEmulator) -> None:
    assert python(cloud, OLD_OSS_SDK) == "b'xyz'\nb'xyz'\n"


NEW_SDKS = """
from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_tea_openapi.models import Config
from alibabacloud_ecs20140526.client import Client as Ecs
from alibabacloud_ecs20140526.models import DescribeRegionsRequest
from alibabacloud_fc20230330.client import Client as Fc
from alibabacloud_fc20230330.models import ListFunctionsRequest
from alibabacloud_ram20150501.client import Client as Ram
from alibabacloud_ram20150501.models import GetRoleRequest
from alibabacloud_sts20150401.client import Client as Sts
config = Config(credential=Credentials(), region_id="cn-hangzhou")
print(len(Ecs(config).describe_regions(DescribeRegionsRequest()).body.regions.region))
print(Fc(config).list_functions(ListFunctionsRequest()).body.functions)
print(Sts(config).get_caller_identity().body.identity_type)
role = GetRoleRequest(role_name="AliyunECSImageImportDefaultRole")
print(Ram(config).get_role(role).body.role.role_name)
"""


def test_the_official_sdks_find_credentials_and_certificates_by_themselves(
    cloud: RunningEmulator,
) -> None:
    assert python(cloud, NEW_SDKS).splitlines() == [
        "32",
        "[]",
        "Account",
        "AliyunECSImageImportDefaultRole",
    ]


NO_PROXY_AT_ALL = """
import asyncio, os, urllib.request, urllib.error
for name in list(os.environ):
    if name.lower().endswith("_proxy") and not name.startswith("ALICLOUD"):
        del os.environ[name]
def status(url):
    try:
        return urllib.request.urlopen(url, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError as error:
        return str(error.reason)
print(status("https://oss-cn-hongkong.aliyuncs.com/"))
print(status("http://oss-cn-hongkong.aliyuncs.com/"))
print(status("https://fcv3.cn-nanjing.aliyuncs.com/"))
import aiohttp
async def fetch():
    async with aiohttp.ClientSession() as session:
        async with session.get("https://oss-cn-hongkong.aliyuncs.com/") as answer:
            print(answer.status)
asyncio.run(fetch())
"""


def test_python_programs_that_ignore_proxies_get_there_too(
    cloud: RunningEmulator,
) -> None:
    assert python(cloud, NO_PROXY_AT_ALL).splitlines() == [
        "403",
        "403",
        "[Errno -2] Name or service not known",
        "403",
    ]


def test_another_sitecustomize_still_runs(
    cloud: RunningEmulator, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.mine = 1")
    path = f"{cloud.env['PYTHONPATH']}:{tmp_path}"
    code = "import certifi; print(mine, certifi.where())"
    assert python(cloud, code, {"PYTHONPATH": path}) == f"1 {cloud.ca_bundle}\n"


def test_the_hook_imports_nothing_that_a_program_did_not_ask_for(
    cloud: RunningEmulator,
) -> None:
    code = (
        "import sys; print({'certifi', 'socket', 'ssl', 'pathlib'} & set(sys.modules))"
    )
    without = {"PYTHONPATH": ""}
    assert python(cloud, code) == python(cloud, code, without)


NODE = """
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
const host = 'oss-cn-hongkong.aliyuncs.com';
const get = (module, url) => new Promise((resolve) =>
  module.get(url, (answer) => resolve(answer.resume().statusCode))
    .on('error', (error) => resolve(error.code)));
console.log(await get(https, `https://${host}/`));
console.log(await get(http, `http://${host}/`));
console.log((await fetch(`https://${host}/`)).status);
console.log(await get(https, 'https://fcv3.cn-nanjing.aliyuncs.com/'));
console.log(await fetch('https://fcv3.cn-nanjing.aliyuncs.com/').catch((e) => e.cause.code));
const first = (socket) => new Promise((resolve, reject) => {
  socket.on('error', reject);
  socket.on('data', (data) => { resolve(String(data).split('\\r\\n')[0]); socket.destroy(); });
  socket.write(`GET / HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n`);
});
console.log(await first(net.connect(80, host)));
console.log(await first(tls.connect({ port: 443, host, servername: host })));
const server = net.createServer((socket) => socket.end('local')).listen(0, '127.0.0.1');
await new Promise((resolve) => server.on('listening', resolve));
console.log(await first(net.connect({ port: server.address().port, host: '127.0.0.1' })));
server.close();
"""


def test_node_programs_reach_the_emulator_by_every_module(
    cloud: RunningEmulator,
) -> None:
    assert node(cloud, NODE).splitlines() == [
        "403",
        "403",
        "403",
        "ENOTFOUND",
        "ENOTFOUND",
        "HTTP/1.1 403 Forbidden",
        "HTTP/1.1 403 Forbidden",
        "local",
    ]


def test_curl_trusts_the_emulator(cloud: RunningEmulator) -> None:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("needs 'curl' on PATH")
    url = "https://oss-cn-hongkong.aliyuncs.com/"
    output = _run(
        [program, "-sS", "-o", "/dev/null", "-w", "%{http_code}", url], cloud.env
    )
    assert output == "403"
