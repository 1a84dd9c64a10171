// Bare calls, without models: the older RPC core (HMAC-SHA1), and the newer one (ACS3).
'use strict';

const RPC = require('@alicloud/pop-core');
const { default: OpenApi, Config, OpenApiRequest, Params } = require('@alicloud/openapi-client');
const { RuntimeOptions } = require('@alicloud/tea-util');

const accessKeyId = process.env.ALICLOUD_ACCESS_KEY_ID;
const accessKeySecret = process.env.ALICLOUD_ACCESS_KEY_SECRET;
const told = (error) => [error.code, error.statusCode ?? error.entry?.response?.statusCode ?? null];

async function older() {
  const client = (host, apiVersion, secret = accessKeySecret) => new RPC({
    accessKeyId, accessKeySecret: secret, endpoint: `https://${host}.aliyuncs.com`, apiVersion,
    opts: { timeout: 20000 },
  });
  const ecs = client('ecs', '2014-05-26');
  const seen = {};
  for (const method of ['GET', 'POST']) {
    const { Regions } = await ecs.request('DescribeRegions', {}, { method });
    seen[method] = Regions.Region.length;
  }
  const images = await client('ecs.cn-beijing', '2014-05-26').request('DescribeImages', {
    RegionId: 'cn-beijing', ImageName: 'none & nothing/é', 'Tag.1.Key': 'a', 'Tag.1.Value': 'b c',
  });
  return {
    ...seen,
    images: [images.TotalCount, images.Images.Image],
    identity: (await client('sts.cn-hangzhou', '2015-04-01').request('GetCallerIdentity', {})).IdentityType,
    role: (await client('ram', '2015-05-01').request('GetRole', {
      RoleName: 'aliyunecsimageimportdefaultrole' })).Role.RoleName,
    liar: await client('ecs', '2014-05-26', 'wrong').request('DescribeRegions', {}).catch(told),
    unknown: await ecs.request('DescribeNothing', {}).catch(told),
    lacking: await ecs.request('ImportImage', { RegionId: 'cn-beijing' }).catch(told),
    http: (await new RPC({
      accessKeyId, accessKeySecret, endpoint: 'http://ecs-cn-hangzhou.aliyuncs.com', apiVersion: '2014-05-26',
    }).request('DescribeRegions', {})).Regions.Region.length,
  };
}

async function newer() {
  const client = (endpoint) => new OpenApi(new Config({ accessKeyId, accessKeySecret, endpoint }));
  const call = (endpoint, fields, request) => client(endpoint).callApi(new Params({
    protocol: 'HTTPS', method: 'POST', authType: 'AK', style: 'RPC', pathname: '/',
    reqBodyType: 'formData', bodyType: 'json', ...fields,
  }), new OpenApiRequest(request), new RuntimeOptions({}));
  const { body } = await call('ecs.us-west-1.aliyuncs.com',
    { action: 'DescribeImages', version: '2014-05-26' }, { query: { RegionId: 'us-west-1', PageSize: 1 } });
  const functions = await call('fcv3.us-west-1.aliyuncs.com', {
    action: 'ListFunctions', version: '2023-03-30', method: 'GET', style: 'ROA', reqBodyType: 'json',
    pathname: '/2023-03-30/functions',
  }, { query: { prefix: 'a b+' } });
  return {
    images: [body.PageNumber, body.PageSize, body.RegionId],
    functions: functions.body.functions,
    missing: await call('fcv3.us-west-1.aliyuncs.com', {
      action: 'GetFunction', version: '2023-03-30', method: 'GET', style: 'ROA', reqBodyType: 'json',
      pathname: '/2023-03-30/functions/nothing',
    }, {}).catch(told),
    nowhere: await call('fcv3.cn-nanjing.aliyuncs.com', {
      action: 'ListFunctions', version: '2023-03-30', method: 'GET', style: 'ROA', reqBodyType: 'json',
      pathname: '/2023-03-30/functions',
    }, {}).catch((error) => /ENOTFOUND/.test(error.message)),
  };
}

async function main() {
  console.log(JSON.stringify({ older: await older(), newer: await newer() }));
}

main();
