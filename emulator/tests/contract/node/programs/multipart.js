// Uploads in parts: whole, broken off and taken up again, streamed, copied, given up.
'use strict';

const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const OSS = require('ali-oss');

const KIB = 1024;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'multipart-'));
const file = path.join(folder, 'big');
const content = randomBytes(5 * 256 * KIB + 7);
const digest = (data) => createHash('sha256').update(data).digest('hex');

async function brokenOff(client) {
  let saved;
  const progress = [];
  await client.multipartUpload('resumed', file, {
    partSize: 256 * KIB,
    parallel: 1,
    progress: (fraction, checkpoint) => {
      saved = checkpoint;
      progress.push(fraction);
      if (fraction >= 0.5) client.cancel();
    },
  }).catch((error) => progress.push(error.name));
  const { uploads } = await client.listUploads({ 'max-uploads': 10 });
  const known = await client.listParts('resumed', saved.uploadId);
  const resent = [];
  const done = await client.multipartUpload('resumed', file, {
    checkpoint: saved,
    parallel: 1,
    progress: (fraction) => resent.push(fraction),
  });
  return {
    cancelled: progress.at(-1),
    uploads: uploads.map((upload) => upload.name),
    partsKept: known.parts.length,
    partsResent: resent.filter((fraction) => fraction > 0).length,
    status: done.res.status,
  };
}

async function byHand(client) {
  const { uploadId } = await client.initMultipartUpload('by-hand', { mime: 'x/parts' });
  const parts = [];
  for (const [number, start, end] of [[2, 100 * KIB, 250 * KIB], [1, 0, 100 * KIB]]) {
    const { etag } = await client.uploadPart('by-hand', uploadId, number, file, start, end);
    parts.push({ number, etag });
  }
  const copied = await client.uploadPartCopy(
    'by-hand', uploadId, 3, '0-9', { sourceKey: 'whole', sourceBucketName: client.options.bucket });
  parts.push({ number: 3, etag: copied.etag });
  const done = await client.completeMultipartUpload('by-hand', uploadId, parts);
  const got = await client.get('by-hand');
  return {
    etag: /^"[0-9A-F]{32}-3"$/.test(done.etag),
    type: got.res.headers['content-type'],
    same: got.content.equals(Buffer.concat([content.subarray(0, 250 * KIB), content.subarray(0, 10)])),
  };
}

async function refused(client) {
  const { uploadId } = await client.initMultipartUpload('refused');
  const { etag } = await client.uploadPart('refused', uploadId, 1, file, 0, 10);
  const second = await client.uploadPart('refused', uploadId, 2, file, 0, 10);
  const codes = [];
  const parts = [[{ number: 1, etag: '"0"' }], [{ number: 1, etag }, { number: 2, etag: second.etag }]];
  for (const wrong of parts) {
    await client.completeMultipartUpload('refused', uploadId, wrong)
      .catch((error) => codes.push([error.code, error.status]));
  }
  await client.abortMultipartUpload('refused', uploadId);
  await client.listParts('refused', uploadId).catch((error) => codes.push([error.code, error.status]));
  return codes;
}

async function main() {
  fs.writeFileSync(file, content);
  const client = new OSS({
    region: process.argv[2],
    accessKeyId: process.env.OSS_ACCESS_KEY_ID,
    accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
    authorizationV4: process.argv[3] === 'v4',
  });
  const bucket = `multipart-${process.argv[3]}`;
  await client.putBucket(bucket);
  client.useBucket(bucket);
  const whole = await client.multipartUpload('whole', file, { partSize: 256 * KIB, parallel: 3 });
  const stream = await client.putStream('stream', fs.createReadStream(file));
  const seen = {
    whole: [whole.res.status, digest((await client.get('whole')).content) === digest(content)],
    stream: [stream.res.status, digest((await client.get('stream')).content) === digest(content)],
    small: (await client.multipartUpload('small', Buffer.from('tiny'))).res.status,
    brokenOff: await brokenOff(client),
    byHand: await byHand(client),
    copied: (await client.multipartUploadCopy(
      'copied', { sourceKey: 'whole', sourceBucketName: bucket }, { partSize: 512 * KIB })).res.status,
    same: digest((await client.get('copied')).content) === digest(content),
    refused: await refused(client),
    leftUploads: (await client.listUploads({ 'max-uploads': 10 })).uploads,
  };
  const { objects } = await client.list();
  await client.deleteMulti(objects.map((object) => object.name), { quiet: true });
  await client.deleteBucket(bucket);
  console.log(JSON.stringify(seen));
}

main().finally(() => fs.rmSync(folder, { recursive: true }));
