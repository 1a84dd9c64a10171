// HTTP clients of every kind: those that read HTTPS_PROXY, those that do not, and threads.
'use strict';

const { execFileSync } = require('node:child_process');
const https = require('node:https');
const { Worker } = require('node:worker_threads');
const axios = require('axios');
const { HttpsProxyAgent } = require('https-proxy-agent');
const undici = require('undici');

const HOST = 'oss-cn-hongkong.aliyuncs.com';
const url = (scheme) => `${scheme}://${HOST}/`;

const statusOf = (options) => new Promise((resolve, reject) => {
  https.get(url('https'), options, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
});

const fetched = `fetch('${url('https')}').then(async (r) => { await r.text(); return r.status; })`;

async function main() {
  const seen = {};
  for (const scheme of ['http', 'https']) {
    seen[`axios ${scheme}`] = (await axios.get(url(scheme), { validateStatus: () => true })).status;
    const dispatcher = new undici.EnvHttpProxyAgent();
    const answer = await undici.request(url(scheme), { dispatcher });
    await answer.body.dump();
    seen[`undici by proxy ${scheme}`] = answer.statusCode;
  }
  seen.agent = await statusOf({ agent: new HttpsProxyAgent(process.env.HTTPS_PROXY) });
  seen.ownLookup = await statusOf({ lookup: () => { throw new Error('asked'); } });
  seen.worker = await new Promise((resolve, reject) => {
    new Worker(`${fetched}.then((status) => require('node:worker_threads').parentPort.postMessage(status))`,
      { eval: true }).on('message', resolve).on('error', reject);
  });
  seen.child = Number(execFileSync(
    process.execPath, ['-e', `${fetched}.then(console.log)`], { encoding: 'utf8' }));
  seen.elsewhere = await axios.get('https://example.com/', { timeout: 20000 })
    .then(() => 'answered', (error) => error.response?.status ?? 'refused');
  console.log(JSON.stringify(seen));
}

main();
