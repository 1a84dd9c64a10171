// Buckets and their settings, and what ali-oss makes of errors.
'use strict';

const OSS = require('ali-oss');

const keys = {
  accessKeyId: process.env.ALIYUN_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIYUN_ACCESS_KEY_SECRET,
};

async function settings(client, bucket) {
  await client.putBucketTags(bucket, { team: 'images', stage: 'test' });
  await client.putBucketLifecycle(bucket, [{
    id: 'expire', prefix: 'tmp/', status: 'Enabled', expiration: { days: 1 },
    abortMultipartUpload: { days: 2 },
  }]);
  await client.putBucketCORS(bucket, [{
    allowedOrigin: '*', allowedMethod: ['GET', 'PUT'], allowedHeader: '*', maxAgeSeconds: '60',
  }]);
  await client.putBucketReferer(bucket, false, ['https://example.com']);
  await client.putBucketWebsite(bucket, { index: 'index.html' });
  await client.putBucketEncryption(bucket, { SSEAlgorithm: 'AES256' });
  const policy = { Version: '1', Statement: [{
    Effect: 'Deny', Principal: ['*'], Action: ['oss:PutObject'], Resource: [`acs:oss:*:*:${bucket}/no/*`],
  }] };
  await client.putBucketPolicy(bucket, policy);
  await client.putBucketACL(bucket, 'public-read');
  const { acl } = await client.getBucketACL(bucket);
  await client.putBucketACL(bucket, 'private');
  const read = {
    acl,
    tags: (await client.getBucketTags(bucket)).tag,
    lifecycle: (await client.getBucketLifecycle(bucket)).rules.map((rule) => [rule.id, rule.prefix, rule.status]),
    cors: (await client.getBucketCORS(bucket)).rules.length,
    referer: (await client.getBucketReferer(bucket)).referers,
    website: (await client.getBucketWebsite(bucket)).index,
    encryption: (await client.getBucketEncryption(bucket)).encryption,
    policy: (await client.getBucketPolicy(bucket)).policy.Statement[0].Effect,
    versioning: (await client.getBucketVersioning(bucket)).versionStatus ?? null,
  };
  await client.deleteBucketTags(bucket);
  await client.deleteBucketLifecycle(bucket);
  await client.deleteBucketCORS(bucket);
  await client.deleteBucketWebsite(bucket);
  await client.deleteBucketEncryption(bucket);
  await client.deleteBucketPolicy(bucket);
  const gone = await client.getBucketLifecycle(bucket).catch((error) => error.code);
  return { ...read, tagsAfter: (await client.getBucketTags(bucket)).tag, gone };
}

async function errors(client, bucket) {
  const told = async (promise) => promise.then(() => null, (error) => ({
    name: error.name, code: error.code, status: error.status,
    id: typeof error.requestId === 'string', host: error.hostId, ec: typeof error.ecCode,
  }));
  const stranger = new OSS({ region: 'oss-ap-northeast-1', accessKeyId: 'nobody', accessKeySecret: 'x', bucket });
  const liar = new OSS({ region: 'oss-ap-northeast-1', ...keys, accessKeySecret: 'x', bucket });
  const elsewhere = new OSS({ region: 'oss-us-west-1', ...keys, bucket });
  await client.put('held', Buffer.from('x'));
  const seen = {
    missing: await told(client.getBucketInfo('no-such-bucket-anywhere')),
    notEmpty: await told(client.deleteBucket(bucket)),
    stranger: await told(stranger.list()),
    liar: await told(liar.list()),
    elsewhere: await told(elsewhere.list()),
    closed: await told(new OSS({ region: 'oss-cn-nanjing', ...keys }).putBucket('closed-region-bucket')),
    mainland: await told((async () => {
      const mainland = new OSS({ region: 'oss-cn-beijing', ...keys });
      await mainland.putBucket('mainland-bucket');
      mainland.useBucket('mainland-bucket');
      await mainland.put('x', Buffer.from('x'));
    })()),
  };
  await client.delete('held');
  return seen;
}

async function main() {
  const client = new OSS({ region: 'oss-ap-northeast-1', ...keys, authorizationV4: process.argv[2] === 'v4' });
  const bucket = 'buckets-of-node';
  const made = await client.putBucket(bucket, { acl: 'private', storageClass: 'IA' });
  client.useBucket(bucket);
  const { bucket: info } = await client.getBucketInfo(bucket);
  const listed = await client.listBuckets({ prefix: 'buckets-of-' });
  const seen = {
    made: made.res.status,
    info: [info.Name, info.Location, info.StorageClass, info.AccessControlList.Grant],
    location: (await client.getBucketLocation(bucket)).location,
    listed: listed.buckets.map((one) => [one.name, one.region]),
    acl: (await client.getBucketACL(bucket)).acl,
    stat: (await client.getBucketStat(bucket)).stat.ObjectCount,
    settings: await settings(client, bucket),
    errors: await errors(client, bucket),
  };
  await client.deleteBucket(bucket);
  console.log(JSON.stringify(seen));
}

main();
