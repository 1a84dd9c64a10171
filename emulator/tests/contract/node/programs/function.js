// Runs inside a region: takes what URLs lead to, and puts it into the region's own bucket.
'use strict';

const OSS = require('ali-oss');

exports.handler = async (event, context) => {
  const { bucket, from } = JSON.parse(event.toString());
  const store = new OSS({
    region: `oss-${context.region}`,
    internal: true,
    bucket,
    accessKeyId: context.credentials.accessKeyId,
    accessKeySecret: context.credentials.accessKeySecret,
    stsToken: context.credentials.securityToken,
  });
  const names = Object.keys(from);
  console.log('fetching %d objects', names.length);
  await Promise.all(names.map(async (name) => {
    const answer = await fetch(from[name], { signal: AbortSignal.timeout(15000) });
    if (!answer.ok) throw new RangeError(`${name}: ${answer.status}`);
    await store.put(name, Buffer.from(await answer.arrayBuffer()));
  }));
  const { objects } = await store.listV2({});
  return { region: context.region, objects: (objects ?? []).map(({ name, size }) => [name, size]) };
};

exports.empty = async (event, context) => {
  const { accessKeyId, accessKeySecret, securityToken } = context.credentials;
  const store = new OSS({
    endpoint: `https://oss-${context.region}-internal.aliyuncs.com`,
    authorizationV4: true,
    region: `oss-${context.region}`,
    bucket: event.toString(), accessKeyId, accessKeySecret, stsToken: securityToken,
  });
  const { objects = [] } = await store.list();
  const { deleted } = await store.deleteMulti(objects.map(({ name }) => name));
  return deleted.length;
};
