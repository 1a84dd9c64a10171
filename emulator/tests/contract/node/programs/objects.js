// Objects, with ali-oss as it signs by default (V1), with V4, and with a role's token.
'use strict';

const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const RPC = require('@alicloud/pop-core');
const OSS = require('ali-oss');

const keys = {
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
};
const region = 'oss-eu-central-1';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'objects-'));

const md5 = (data) => createHash('md5').update(data).digest('hex');
const codeOf = (promise) => promise.then(() => 'none', (error) => [error.code, error.status]);

// Makes the role on first use, with a signature of the older kind.
async function makeRole() {
  const service = (name, apiVersion) => new RPC({
    ...keys, apiVersion, endpoint: `https://${name}.aliyuncs.com`,
  });
  const ram = service('ram', '2015-05-01');
  const { AccountId } = await service('sts', '2015-04-01').request('GetCallerIdentity', {});
  const trust = { Version: '1', Statement: [{
    Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: [`acs:ram::${AccountId}:root`] },
  }] };
  const { Role } = await ram.request('CreateRole', {
    RoleName: 'uploader', AssumeRolePolicyDocument: JSON.stringify(trust),
  }, { method: 'POST' });
  await ram.request('AttachPolicyToRole', {
    PolicyType: 'System', PolicyName: 'AliyunOSSFullAccess', RoleName: 'uploader',
  });
  return Role.Arn;
}

async function sessionKeys(role, actions) {
  const policy = { Version: '1', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
  const { credentials } = await new OSS.STS(keys).assumeRole(role, policy, 900, 'me');
  return {
    accessKeyId: credentials.AccessKeyId,
    accessKeySecret: credentials.AccessKeySecret,
    stsToken: credentials.SecurityToken,
    refreshSTSToken: async () => { throw new Error('asked for too early'); },
  };
}

async function putAndGet(client) {
  const body = randomBytes(300000);
  const put = await client.put('dir/a b+é&.bin', body, {
    meta: { maker: 'me' }, headers: { 'Cache-Control': 'no-cache' },
  });
  const head = await client.head('dir/a b+é&.bin');
  const got = await client.get('dir/a b+é&.bin');
  const part = await client.get('dir/a b+é&.bin', { headers: { Range: 'bytes=10-19' } });
  const file = path.join(folder, 'down.bin');
  await client.get('dir/a b+é&.bin', file);
  const { stream } = await client.getStream('dir/a b+é&.bin');
  const copy = path.join(folder, 'stream.bin');
  await pipeline(stream, fs.createWriteStream(copy));
  return {
    etag: put.res.headers.etag === `"${md5(body).toUpperCase()}"`,
    crc: typeof put.res.headers['x-oss-hash-crc64ecma'],
    meta: head.meta,
    cache: head.res.headers['cache-control'],
    same: [got.content, fs.readFileSync(file), fs.readFileSync(copy)].map((b) => b.equals(body)),
    range: [part.res.status, part.content.equals(body.subarray(10, 20))],
    fromFile: (await client.put('dir/file', file)).res.status,
    notModified: (await client.get('dir/file', {
      headers: { 'If-None-Match': put.res.headers.etag },
    })).res.status,
    forbidden: await codeOf(client.put('dir/file', body, {
      headers: { 'x-oss-forbid-overwrite': 'true' },
    })),
    missing: await codeOf(client.get('nothing')),
    missingHead: await codeOf(client.head('nothing')),
  };
}

async function streams(client) {
  const text = 'line\n'.repeat(50000);
  await client.putStream('stream', Readable.from([text.slice(0, 7), text.slice(7)]));
  await client.putStream('stream-of-known-length', Readable.from([Buffer.from(text)]), {
    contentLength: text.length,
  });
  const sizes = ['stream', 'stream-of-known-length'].map(async (name) =>
    (await client.get(name)).content.toString() === text);
  return Promise.all(sizes);
}

async function attributes(client) {
  await client.put('plain.txt', Buffer.from('plain'));
  await client.putACL('plain.txt', 'public-read');
  await client.putObjectTagging('plain.txt', { colour: 'green', size: 'small' });
  const { acl } = await client.getACL('plain.txt');
  await client.putMeta('plain.txt', { changed: 'yes' });
  await client.copy('copied.txt', 'plain.txt');
  await client.copy('other.txt', 'plain.txt', { headers: { 'Content-Type': 'x/y' }, meta: { a: '1' } });
  await client.putSymlink('link', 'plain.txt', { storageClass: 'IA', meta: { kind: 'link' } });
  const first = await client.append('log', Buffer.from('one,'));
  const second = await client.append('log', Buffer.from('two'), {
    position: first.nextAppendPosition,
  });
  const other = await client.head('other.txt');
  return {
    acl,
    tags: (await client.getObjectTagging('plain.txt')).tag,
    untagged: await client.deleteObjectTagging('plain.txt').then((r) => r.status),
    meta: (await client.head('plain.txt')).meta,
    copied: (await client.get('copied.txt')).content.toString(),
    other: [other.res.headers['content-type'], other.meta],
    link: (await client.getSymlink('link')).targetName,
    through: (await client.get('link')).content.toString(),
    log: (await client.get('log')).content.toString(),
    next: second.nextAppendPosition,
    misplaced: await codeOf(client.append('log', Buffer.from('x'), { position: '1' })),
    size: (await client.getObjectMeta('log')).res.headers['content-length'],
  };
}

async function listings(client) {
  const names = ['l/1', 'l/2', 'l/sub/3', 'l/sub/4', 'l/ü&<'];
  await Promise.all(names.map((name) => client.put(name, Buffer.from(name))));
  const paged = [];
  let marker;
  do {
    const page = await client.list({ prefix: 'l/', 'max-keys': 2, ...(marker && { marker }) });
    paged.push(...page.objects.map((object) => object.name));
    marker = page.nextMarker;
  } while (marker);
  const folded = await client.listV2({ prefix: 'l/', delimiter: '/' });
  const first = await client.listV2({ prefix: 'l/', 'max-keys': '3', 'fetch-owner': 'true' });
  const rest = await client.listV2({
    prefix: 'l/', 'continuation-token': first.nextContinuationToken,
  });
  const deleted = await client.deleteMulti(names.slice(0, 3));
  const quiet = await client.deleteMulti(names.slice(3), { quiet: true });
  return {
    paged,
    folded: [folded.objects.map((o) => o.name), folded.prefixes, folded.keyCount],
    v2: [first.objects.length, first.isTruncated, rest.objects.map((o) => o.name)],
    owner: typeof first.objects[0].owner.id,
    deleted: deleted.deleted.map((one) => one.Key ?? one),
    quiet: quiet.deleted ?? [],
    left: (await client.list({ prefix: 'l/' })).objects ?? [],
  };
}

async function work(name, given) {
  const client = new OSS({ region, ...given });
  const bucket = `objects-of-${name}`;
  await client.putBucket(bucket);
  client.useBucket(bucket);
  const seen = {
    ...await putAndGet(client),
    streams: await streams(client),
    attributes: await attributes(client),
    listings: await listings(client),
  };
  const { objects } = await client.list({ 'max-keys': 1000 });
  await client.deleteMulti(objects.map((object) => object.name));
  await client.deleteBucket(bucket);
  return seen;
}

async function main() {
  const role = await makeRole();
  const session = await sessionKeys(role, 'oss:*');
  const reader = new OSS({ region, ...await sessionKeys(role, ['oss:Get*', 'oss:List*']) });
  console.log(JSON.stringify({
    v1: await work('v1', keys),
    v4: await work('v4', { ...keys, authorizationV4: true }),
    session: await work('session', session),
    sessionV4: await work('session-v4', { ...session, authorizationV4: true }),
    https: await work('https', { ...keys, secure: true }),
    reader: await codeOf(reader.putBucket('not-for-readers')),
  }));
}

main().finally(() => fs.rmSync(folder, { recursive: true }));
