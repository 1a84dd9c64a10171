// The official OSS SDK for Node.js (ali-oss) against the emulator, unchanged. What it
// asserts is what the SDK's own tests rely on, in our words. Run by test_ali_oss.py.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const OSS = require('ali-oss');

const REGION = 'oss-ap-northeast-1';
const LAST_YEAR = 'Thu, 01 Jan 2015 00:00:00 GMT';

async function refused(name, call) {
  let error;
  try {
    await call();
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, `${name} did not come`);
  assert.strictEqual(error.name || error.code, `${name}Error`);
  return error;
}

function fetchUrl(url) {
  return new Promise((resolve, reject) => {
    https
      .get(url, (answer) => {
        const blocks = [];
        answer.on('data', (block) => blocks.push(block));
        answer.on('end', () => resolve([answer.statusCode, Buffer.concat(blocks).toString()]));
      })
      .on('error', reject);
  });
}

for (const v4 of [false, true]) {
  describe(v4 ? 'V4 signatures' : 'V1 signatures', () => {
    const bucket = `pail-of-node-${v4 ? 4 : 1}`;
    const store = new OSS({
      region: REGION,
      secure: true,
      authorizationV4: v4,
      accessKeyId: process.env.OSS_ACCESS_KEY_ID,
      accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
    });

    before(async () => {
      assert.strictEqual((await store.putBucket(bucket)).res.status, 200);
      store.useBucket(bucket);
    });

    it('describes and lists buckets', async () => {
      const archive = `${bucket}-archive`;
      await store.putBucket(archive, { StorageClass: 'Archive' });
      const { buckets } = await store.listBuckets({ prefix: bucket });
      assert.deepStrictEqual(buckets.map((one) => one.StorageClass), ['Standard', 'Archive']);
      await store.deleteBucket(archive);
      const info = await store.getBucketInfo(bucket);
      assert.strictEqual(info.bucket.Location, REGION);
      assert.strictEqual((await store.getBucketLocation(bucket)).location, REGION);
      await refused('NoSuchBucket', () => store.getBucketInfo('no-pail-of-this-name'));
      await refused('NoSuchBucket', () => store.deleteBucket('no-pail-of-this-name'));
    });

    it('makes a bucket by setting its ACL', async () => {
      await store.putBucketACL(`${bucket}-new`, 'public-read');
      assert.strictEqual((await store.getBucketACL(`${bucket}-new`)).acl, 'public-read');
      await store.deleteBucket(`${bucket}-new`);
    });

    it('finds buckets by tags', async () => {
      await store.putBucketTags(bucket, { a: '1', b: '2' });
      assert.deepStrictEqual((await store.getBucketTags(bucket)).tag, { a: '1', b: '2' });
      const { buckets } = await store.listBuckets({
        prefix: bucket,
        subres: { tagging: '"a":"1","b":"2"' },
      });
      assert.deepStrictEqual(buckets[0].tag, { a: '1', b: '2' });
      await store.deleteBucketTags(bucket);
      assert.deepStrictEqual((await store.getBucketTags(bucket)).tag, {});
    });

    it('keeps configurations', async () => {
      await store.putBucketWebsite(bucket, {
        index: 'index.html',
        supportSubDir: 'true',
        type: '1',
        error: 'error.html',
        routingRules: [
          {
            RuleNumber: '2',
            Condition: { KeyPrefixEquals: 'a/', HttpErrorCodeReturnedEquals: '404' },
            Redirect: { RedirectType: 'Mirror', MirrorURL: 'http://www.test1.com/' },
          },
        ],
      });
      const website = await store.getBucketWebsite(bucket);
      assert.strictEqual(website.routingRules[0].RuleNumber, '2');
      const rule = { allowedOrigin: '*', allowedMethod: 'GET', maxAgeSeconds: '30' };
      await store.putBucketCORS(bucket, [rule]);
      assert.deepStrictEqual((await store.getBucketCORS(bucket)).rules, [rule]);
      await store.deleteBucketCORS(bucket);
      const missing = await refused('NoSuchCORSConfiguration', () => store.getBucketCORS(bucket));
      assert.strictEqual(missing.message, 'The CORS Configuration does not exist.');
      await store.putBucketEncryption(bucket, { SSEAlgorithm: 'AES256' });
      assert.deepStrictEqual((await store.getBucketEncryption(bucket)).encryption, {
        SSEAlgorithm: 'AES256',
      });
      assert.strictEqual((await store.deleteBucketEncryption(bucket)).res.status, 204);
      await store.putBucketLifecycle(bucket, [
        {
          id: 'one',
          prefix: 'logs/',
          status: 'Enabled',
          transition: { createdBeforeDate: '2020-02-18T00:00:00.000Z', storageClass: 'Archive' },
          expiration: { createdBeforeDate: '2020-02-17T00:00:00.000Z' },
          tag: { key: 'test', value: '123' },
        },
      ]);
      assert.strictEqual((await store.getBucketLifecycle(bucket)).rules[0].id, 'one');
      await store.deleteBucketLifecycle(bucket);
      await refused('NoSuchLifecycle', () => store.getBucketLifecycle(bucket));
      const statement = { Effect: 'Allow', Principal: ['*'], Action: ['oss:GetObject'], Resource: [`acs:oss:*:*:${bucket}/*`] };
      await store.putBucketPolicy(bucket, { Version: '1', Statement: [statement] });
      await store.deleteBucketPolicy(bucket);
      assert.strictEqual((await store.getBucketPolicy(bucket)).policy, null);
    });

    it('puts and gets', async () => {
      const text = fs.readFileSync(__filename, 'utf8');
      await store.putStream('stream.js', fs.createReadStream(__filename));
      assert.strictEqual((await store.get('stream.js')).content.toString(), text);
      await store.put('a+b c%.js', __filename, {
        meta: { uid: 1, slus: 'test.html' },
        headers: { Expires: 1000000 },
      });
      const head = await store.head('a+b c%.js');
      assert.deepStrictEqual({ ...head.meta }, { uid: '1', slus: 'test.html' });
      assert.strictEqual(head.res.headers.expires, '1000000');
      await store.put('twenty', Buffer.from('aaaaaaaaaabbbbbbbbbb'));
      const range = await store.get('twenty', { headers: { Range: 'bytes=0-9' } });
      assert.strictEqual(range.content.toString(), 'aaaaaaaaaa');
      const missing = await refused('NoSuchKey', () => store.get('none'));
      assert.strictEqual(missing.message, 'The specified key does not exist.');
      await refused('NoSuchKey', () => store.head('none'));
    });

    it('honours conditions', async () => {
      const { headers } = (await store.put('k', Buffer.from('x'))).res;
      for (const [name, value, status] of [
        ['If-Modified-Since', headers.date, 304],
        ['If-None-Match', headers.etag, 304],
        ['If-Match', headers.etag, 200],
        ['If-Unmodified-Since', headers.date, 200],
      ]) {
        const head = await store.head('k', { headers: { [name]: value } });
        assert.strictEqual(head.status, status, name);
      }
      for (const call of ['head', 'get']) {
        await refused('PreconditionFailed', () => store[call]('k', { headers: { 'If-Match': 'x' } }));
      }
      const since = { 'If-Unmodified-Since': LAST_YEAR };
      const error = await refused('PreconditionFailed', () => store.get('k', { headers: since }));
      assert.match(error.message, /\(condition: If-Unmodified-Since\)$/);
    });

    it('copies', async () => {
      await store.put('源 1.js', Buffer.from('q'), { meta: { uid: 1, slus: 'x' } });
      await store.copy('copy', `/${bucket}/源 1.js`);
      assert.strictEqual((await store.head('copy')).meta.uid, '1');
      await store.copy('copy', '源 1.js', { meta: { uid: '2' } });
      assert.deepStrictEqual({ ...(await store.head('copy')).meta }, { uid: '2' });
      await store.copy('copy', 'copy', { headers: { 'Cache-Control': 'max-age=0' } });
      const { headers } = (await store.head('copy')).res;
      assert.strictEqual(headers['cache-control'], 'max-age=0');
      const same = await store.copy('other', 'copy', { headers: { 'If-None-Match': headers.etag } });
      assert.strictEqual(same.res.status, 304);
      await refused('NoSuchKey', () => store.copy('other', 'none'));
      await store.putMeta('copy', { uid: '9' });
      assert.strictEqual((await store.head('copy')).meta.uid, '9');
    });

    it('lists', async () => {
      for (const name of ['oss.jpg', 'fun/test.jpg', 'fun/movie/001.avi', 'other/007.avi']) {
        await store.put(`L/${name}`, Buffer.from(name));
      }
      const one = await store.list({ 'max-keys': 1 });
      assert.strictEqual(one.objects.length, 1);
      assert.ok(one.isTruncated && one.nextMarker && one.objects[0].owner.displayName);
      const top = await store.list({ prefix: 'L/', delimiter: '/' });
      assert.deepStrictEqual(top.prefixes, ['L/fun/', 'L/other/']);
      assert.ok(!top.nextMarker);
      const page = await store.listV2({ prefix: 'L/', delimiter: '/', 'max-keys': '2' });
      assert.ok(page.keyCount === 2 && page.nextContinuationToken);
    });

    it('takes any key', async () => {
      const keys = ['杭州・中国', '是 空格 +-/\\&*#(1) ', '\x01\x0a\x0c\x07Pc', 'a<b&c>d +'];
      const names = keys.map((key) => `any-${key}`);
      for (const name of names) {
        await store.put(name, Buffer.from(''));
        await store.head(name);
      }
      const listed = await store.list({ prefix: 'any-' });
      assert.deepStrictEqual(listed.objects.map((one) => one.name).sort(), [...names].sort());
      const { deleted } = await store.deleteMulti(names);
      assert.deepStrictEqual(deleted.map((one) => one.Key), names);
      const quiet = await store.deleteMulti(['L/oss.jpg'], { quiet: true });
      assert.deepStrictEqual(quiet.deleted, []);
    });

    it('appends, links, tags', async () => {
      await store.append('/log', Buffer.from('foo'));
      const grown = await store.append('/log', Buffer.from('bar'), { position: 3 });
      assert.strictEqual(grown.nextAppendPosition, '6');
      const error = await refused('PositionNotEqualToLength', () =>
        store.append('/log', Buffer.from('x')),
      );
      assert.strictEqual(error.message, 'Position is not equal to file length');
      await store.putSymlink('link', 'log', { storageClass: 'IA', meta: { uid: '1' } });
      assert.strictEqual((await store.getSymlink('link')).targetName, 'log');
      const head = await store.head('link');
      assert.strictEqual(head.res.headers['x-oss-object-type'], 'Symlink');
      await store.putObjectTagging('log', { a: '1' });
      assert.deepStrictEqual((await store.getObjectTagging('log')).tag, { a: '1' });
      await store.putACL('log', 'public-read');
      assert.strictEqual((await store.getACL('log')).acl, 'public-read');
      await refused('OperationNotSupported', () => store.restore('log'));
    });

    it('uploads in parts', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ali-oss-'));
      const file = path.join(folder, 'big');
      fs.writeFileSync(file, Buffer.alloc(1024 * 1024 + 3, 'z'));
      const options = { partSize: 200 * 1024, parallel: 3, meta: { a: 'b' } };
      await store.multipartUpload('big', file, options);
      const big = await store.get('big');
      assert.ok(big.content.equals(fs.readFileSync(file)));
      assert.strictEqual(big.res.headers['x-oss-meta-a'], 'b');
      const { uploadId } = await store.initMultipartUpload('parts');
      const part = await store.uploadPart('parts', uploadId, 1, file, 0, 200 * 1024);
      const { uploads } = await store.listUploads({ 'max-uploads': 10 });
      assert.deepStrictEqual(uploads.map((one) => one.uploadId), [uploadId]);
      const parts = [{ number: 1, etag: part.etag }];
      await store.completeMultipartUpload('parts', uploadId, parts);
      await refused('NoSuchUpload', () => store.abortMultipartUpload('parts', uploadId));
      const source = { sourceKey: 'big', sourceBucketName: bucket };
      await store.multipartUploadCopy('copied', source, { partSize: 256 * 1024 });
      assert.strictEqual((await store.get('copied')).content.length, 1024 * 1024 + 3);
      fs.rmSync(folder, { recursive: true });
    });

    it('signs URLs', async () => {
      await store.put('signed', Buffer.from('by URL'));
      const url = v4
        ? await store.signatureUrlV4('GET', 60, {}, 'signed')
        : store.signatureUrl('signed');
      assert.deepStrictEqual(await fetchUrl(url), [200, 'by URL']);
    });
  });
}
