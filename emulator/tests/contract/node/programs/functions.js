// Functions made, called in every way, watched failing, and removed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const { default: Credential } = require('@alicloud/credentials');
const { default: Fc, ...fc } = require('@alicloud/fc20230330');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const { RuntimeOptions } = require('@alicloud/tea-util');
const OSS = require('ali-oss');
const { zipSync } = require('fflate');

const HERE = 'cn-hangzhou';
const AWAY = 'eu-central-1';
const BUCKET = 'functions-of-node';
const credential = new Credential();
const client = new Fc(new $OpenApiUtil.Config({
  credential, regionId: HERE, endpoint: process.argv[2],
}));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const oss = (region) => new OSS({
  region: `oss-${region}`,
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
});

async function make(functionName, files, settings) {
  const zip = Buffer.from(zipSync(files)).toString('base64');
  const { body } = await client.createFunction(new fc.CreateFunctionRequest({
    body: new fc.CreateFunctionInput({
      functionName, runtime: 'nodejs20', handler: 'index.handler', memorySize: 128, timeout: 30,
      code: new fc.InputCodeLocation({ zipFile: zip }), ...settings,
    }),
  }));
  return body;
}

async function call(functionName, payload, headers = {}) {
  const answer = await client.invokeFunctionWithOptions(
    functionName,
    new fc.InvokeFunctionRequest({ body: Readable.from([Buffer.from(payload)]) }),
    new fc.InvokeFunctionHeaders({ xFcLogType: 'Tail', xFcInvocationType: 'Sync', ...headers }),
    new RuntimeOptions({ readTimeout: 60000, connectTimeout: 10000 }),
  );
  const blocks = [];
  for await (const block of answer.body) blocks.push(block);
  return {
    status: answer.statusCode,
    text: Buffer.concat(blocks).toString(),
    error: answer.headers['x-fc-error-type'] ?? '',
    log: Buffer.from(answer.headers['x-fc-log-result'] ?? '', 'base64').toString(),
    id: answer.headers['x-fc-request-id'],
  };
}

async function relay(role) {
  const away = oss(AWAY);
  const here = oss(HERE);
  await away.putBucket(`${BUCKET}-away`);
  away.useBucket(`${BUCKET}-away`);
  await here.putBucket(BUCKET);
  const from = {};
  for (const name of ['one', 'two']) {
    await away.put(name, Buffer.alloc(300000, name));
    from[name] = away.signatureUrl(name, { expires: 600 });
  }
  const source = fs.readFileSync(path.join(__dirname, 'function.js'));
  const made = await make('relay', { 'index.js': source }, { role });
  await make('empty', { 'index.js': source }, { role, handler: 'index.empty', runtime: 'nodejs18' });
  const put = await call('relay', JSON.stringify({ bucket: BUCKET, from }));
  const missing = { 'not there': away.signatureUrl('not there') };
  const failed = await call('relay', JSON.stringify({ bucket: BUCKET, from: missing }));
  const emptied = await call('empty', BUCKET);
  await here.deleteBucket(BUCKET);
  await away.deleteMulti(['one', 'two']);
  await away.deleteBucket(`${BUCKET}-away`);
  return {
    made: [made.functionName, made.runtime, made.state ?? ''],
    put: [put.status, put.error, JSON.parse(put.text)],
    log: put.log.includes('fetching 2 objects') && put.log.includes(put.id),
    failed: [failed.status, failed.error, JSON.parse(failed.text).errorType],
    emptied: emptied.text,
  };
}

const BROKEN = `
exports.throws = async () => { throw new TypeError('wrong'); };
exports.hangs = () => new Promise(() => { setInterval(() => {}, 1000); });
exports.grows = async () => { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); };
exports.exits = async () => process.exit(3);
exports.tells = async (event, context) => ({
  region: context.region, account: context.accountId, name: context.function.name,
  memory: context.function.memory, timeout: context.function.timeout,
  request: context.requestId, keys: context.credentials.accessKeyId,
  variable: process.env.COLOUR, event: event.toString(),
});
exports.outside = async () => Promise.all(['https://example.com', 'https://oss-${AWAY}-internal.aliyuncs.com']
  .map((url) => fetch(url).then((answer) => answer.status, (error) => error.cause.code)));
`;

async function broken() {
  const seen = {};
  for (const name of ['throws', 'hangs', 'grows', 'exits', 'tells', 'outside']) {
    await make(name, { 'index.js': Buffer.from(BROKEN) }, {
      handler: `index.${name}`, timeout: name === 'hangs' ? 1 : 30,
      environmentVariables: { COLOUR: 'green' },
    });
    const { status, error, text, id } = await call(name, 'ping');
    const said = JSON.parse(text);
    if (said.request !== undefined) said.request = said.request === id;
    seen[name] = [status, error, said.errorType ?? (said.errorMessage ? 'no type' : said)];
  }
  return seen;
}

async function later(role) {
  const bucket = `${BUCKET}-later`;
  const store = oss(AWAY);
  await store.putBucket(bucket);
  store.useBucket(bucket);
  await make('later', { 'index.js': Buffer.from(`
    const OSS = require('ali-oss');
    exports.handler = async (event, { credentials }) => {
      const store = new OSS({
        region: 'oss-${AWAY}', bucket: '${bucket}', ...credentials, stsToken: credentials.securityToken,
      });
      await store.put('done', event);
    };`) }, { role });
  const accepted = await call('later', 'news', { xFcInvocationType: 'Async', xFcLogType: 'None' });
  let got;
  for (let tries = 0; tries < 50 && !got; tries += 1) {
    await pause(200);
    got = await store.get('done').catch(() => undefined);
  }
  await store.delete('done');
  await store.deleteBucket(bucket);
  return [accepted.status, accepted.text, got?.content.toString()];
}

async function main() {
  const role = process.argv[3];
  const seen = { ...await relay(role), broken: await broken(), later: await later(role) };
  const listed = await client.listFunctions(new fc.ListFunctionsRequest({ limit: 100 }));
  const names = listed.body.functions.map((one) => one.functionName);
  for (const name of names) await client.deleteFunction(name);
  seen.listed = names.sort();
  seen.gone = await client.getFunction('relay', new fc.GetFunctionRequest())
    .catch((error) => [error.code, error.statusCode]);
  console.log(JSON.stringify(seen));
}

main();
