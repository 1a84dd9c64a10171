// Presigned URLs, used by programs that have no keys: fetch, https, undici.
import { randomBytes } from 'node:crypto';
import https from 'node:https';
import { createRequire } from 'node:module';
import OSS from 'ali-oss';

const { request, Agent } = createRequire(import.meta.url)('undici');

const client = new OSS({
  region: 'oss-me-east-1',
  bucket: 'presigned-by-node',
  accessKeyId: process.env.OSS_ACCESS_KEY_ID,
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
  secure: true,
});
const body = randomBytes(70000);
const codeIn = (text) => /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? '';

const got = (url, headers = {}) => new Promise((resolve, reject) => {
  https.get(url, { headers }, (answer) => {
    const blocks = [];
    answer.on('data', (block) => blocks.push(block));
    answer.on('end', () => resolve([answer.statusCode, answer.headers, Buffer.concat(blocks)]));
  }).on('error', reject);
});

async function older() {
  const put = client.signatureUrl('v1 +é', { method: 'PUT', 'Content-Type': 'x/y', expires: 60 });
  const sent = await fetch(put, { method: 'PUT', body, headers: { 'Content-Type': 'x/y' } });
  const get = client.signatureUrl('v1 +é', {
    response: { 'content-disposition': 'attachment; filename="a.bin"' },
  });
  const [status, headers, data] = await got(get);
  const tampered = await fetch(get.replace('v1', 'v2'));
  return {
    sent: sent.status,
    got: [status, headers['content-type'], headers['content-disposition'], data.equals(body)],
    tampered: [tampered.status, codeIn(await tampered.text())],
  };
}

async function newer() {
  const put = await client.signatureUrlV4('PUT', 60, { headers: { 'Content-Type': 'x/z' } }, 'v4 +é', []);
  const answer = await request(put, {
    method: 'PUT', body, headers: { 'Content-Type': 'x/z' }, dispatcher: new Agent(),
  });
  await answer.body.dump();
  const get = await client.signatureUrlV4('GET', 60, undefined, 'v4 +é');
  const [status, headers, data] = await got(get, { Range: 'bytes=1-3' });
  const sealed = await client.signatureUrlV4('GET', 1, undefined, 'v4 +é');
  const forged = get.replace(/x-oss-signature=\w{4}/, 'x-oss-signature=0000');
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const late = await fetch(sealed);
  const wrong = await fetch(forged);
  return {
    sent: answer.statusCode,
    got: [status, headers['content-range'], data.equals(body.subarray(1, 4))],
    late: [late.status, codeIn(await late.text())],
    forged: [wrong.status, codeIn(await wrong.text())],
  };
}

await client.putBucket('presigned-by-node');
const seen = { older: await older(), newer: await newer() };
const anonymous = await fetch('https://presigned-by-node.oss-me-east-1.aliyuncs.com/v1');
seen.anonymous = [anonymous.status, codeIn(await anonymous.text())];
const plain = await fetch(client.signatureUrl('v1 +é').replace('https:', 'http:'));
seen.plain = [plain.status, Buffer.from(await plain.arrayBuffer()).equals(body)];
const { objects } = await client.list();
await client.deleteMulti(objects.map((object) => object.name));
await client.deleteBucket('presigned-by-node');
console.log(JSON.stringify(seen));
