// An image's life: upload, import, wait, copy, share, tag, delete.
'use strict';

const { default: Credential } = require('@alicloud/credentials');
const { default: Ecs, ...ecs } = require('@alicloud/ecs20140526');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const OSS = require('ali-oss');

const HOME = 'eu-central-1';
const THERE = 'us-east-1';
const clientFor = (regionId) =>
  new Ecs(new $OpenApiUtil.Config({ credential: new Credential(), regionId }));
const clients = { [HOME]: clientFor(HOME), [THERE]: clientFor(THERE) };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, ask, wanted) {
  for (let tries = 0; tries < 100; tries += 1) {
    const seen = await ask();
    if (wanted.includes(seen)) return seen;
    await pause(200);
  }
  throw new Error(`${what} took too long`);
}

async function image(regionId, imageId) {
  const { body } = await clients[regionId].describeImages(new ecs.DescribeImagesRequest({
    regionId, imageId, status: 'Creating,Waiting,Available,UnAvailable,CreateFailed',
  }));
  return body.images.image[0];
}

const available = (regionId, imageId) => until(
  'image', async () => (await image(regionId, imageId))?.status, ['Available', 'CreateFailed']);

async function upload(oss) {
  await oss.putBucket('images-of-node');
  oss.useBucket('images-of-node');
  await oss.put('disk.raw', Buffer.alloc(1 << 20, 7));
}

async function importImage() {
  const client = clients[HOME];
  const request = new ecs.ImportImageRequest({
    regionId: HOME,
    imageName: 'from-node',
    architecture: 'arm64',
    bootMode: 'UEFI',
    description: 'a test',
    diskDeviceMapping: [new ecs.ImportImageRequestDiskDeviceMapping({
      OSSBucket: 'images-of-node', OSSObject: 'disk.raw', format: 'RAW', diskImageSize: 1,
    })],
    features: new ecs.ImportImageRequestFeatures({ nvmeSupport: 'supported' }),
    tag: [new ecs.ImportImageRequestTag({ key: 'made-by', value: 'node' })],
    clientToken: 'only-once',
  });
  const { body } = await client.importImage(request);
  const again = await client.importImage(request);
  const early = await client.deleteImage(new ecs.DeleteImageRequest({
    regionId: HOME, imageId: body.imageId,
  })).catch((error) => error.code);
  const task = await until('task', async () => (await client.describeTasks(
    new ecs.DescribeTasksRequest({ regionId: HOME, taskIds: body.taskId }),
  )).body.taskSet.task[0].taskStatus, ['Finished', 'Failed']);
  return {
    id: body.imageId, same: again.body.imageId === body.imageId, early, task,
    status: await available(HOME, body.imageId),
  };
}

async function copy(imageId) {
  const { body } = await clients[HOME].copyImage(new ecs.CopyImageRequest({
    regionId: HOME, imageId, destinationRegionId: THERE, destinationImageName: 'copied-by-node',
    tag: [new ecs.CopyImageRequestTag({ key: 'copied', value: 'yes' })],
  }));
  return [body.imageId, await available(THERE, body.imageId)];
}

async function publish(imageId) {
  const client = clients[HOME];
  await client.modifyImageAttribute(new ecs.ModifyImageAttributeRequest({
    regionId: HOME, imageId, imageFamily: 'nodes',
  }));
  const share = (change) => client.modifyImageSharePermission(
    new ecs.ModifyImageSharePermissionRequest({ regionId: HOME, imageId, ...change }));
  await share({ addAccount: ['5555555555555555'] });
  const { body } = await client.describeImageSharePermission(
    new ecs.DescribeImageSharePermissionRequest({ regionId: HOME, imageId }));
  await share({ removeAccount: ['5555555555555555'] });
  await share({ isPublic: true });
  const family = await client.describeImageFromFamily(
    new ecs.DescribeImageFromFamilyRequest({ regionId: HOME, imageFamily: 'nodes' }));
  const shown = (await image(HOME, imageId)).isPublic;
  const inTheWay = await client.deleteImage(
    new ecs.DeleteImageRequest({ regionId: HOME, imageId })).catch((error) => error.code);
  await share({ isPublic: false });
  return {
    shared: body.accounts.account.map((account) => account.aliyunId ?? account.aliyunUid),
    family: family.body.image.imageId === imageId, shown, inTheWay,
  };
}

async function remove(regionId, imageId) {
  const { diskDeviceMappings } = await image(regionId, imageId);
  const { snapshotId } = diskDeviceMappings.diskDeviceMapping[0];
  const client = clients[regionId];
  await client.deleteImage(new ecs.DeleteImageRequest({ regionId, imageId }));
  await until('deletion', async () => await image(regionId, imageId) === undefined, [true]);
  return until('snapshot', () => client.deleteSnapshot(
    new ecs.DeleteSnapshotRequest({ snapshotId }),
  ).then(() => 'deleted', (error) => error.code), ['deleted']);
}

async function main() {
  const oss = new OSS({
    region: `oss-${HOME}`,
    accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
    accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
    authorizationV4: true,
  });
  await upload(oss);
  const { id, ...imported } = await importImage();
  const found = await image(HOME, id);
  const [copyId, copied] = await copy(id);
  const attributes = ({ architecture, bootMode, features, tags, size, imageOwnerAlias }) =>
    [architecture, bootMode, features?.nvmeSupport, size, imageOwnerAlias,
      tags.tag.map((tag) => [tag.tagKey, tag.tagValue])];
  const seen = {
    regions: (await clients[HOME].describeRegions(
      new ecs.DescribeRegionsRequest())).body.regions.region.length,
    imported, image: attributes(found),
    copied, copy: attributes(await image(THERE, copyId)),
    ...await publish(id),
    removed: [await remove(HOME, id), await remove(THERE, copyId)],
    missing: await clients[HOME].modifyImageAttribute(
      new ecs.ModifyImageAttributeRequest({ regionId: HOME, imageId: id, imageName: 'x-y' }),
    ).catch((error) => [error.code, error.statusCode]),
  };
  await oss.delete('disk.raw');
  await oss.deleteBucket('images-of-node');
  console.log(JSON.stringify(seen));
}

main();
