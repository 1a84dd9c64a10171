// Run by `npm test`, inside a cloud that is gone afterwards.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { backup } from './backup.js';

const CONSOLE = process.env.ALICLOUD_EMULATOR_CONSOLE;

async function ask(method, path, document) {
  const answer = await fetch(CONSOLE + path, { method, body: document && JSON.stringify(document) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

beforeEach(() => ask('POST', '/reset'));

test('what goes up comes down', async () => {
  assert.equal(await backup('backups', 'a', 'hello'), 'hello');
  const state = await ask('GET', '/state');
  const [bucket] = state.regions['eu-central-1'].buckets;
  assert.deepEqual(bucket.objects.map((one) => one.key), ['a']);
});

test('a refusal is told', async () => {
  await ask('POST', '/faults', { do: 'refuse', action: 'PutObject', code: 'QuotaExceeded', status: 403 });
  await assert.rejects(backup('backups', 'a', 'hello'), /403.*QuotaExceeded/s);
});
