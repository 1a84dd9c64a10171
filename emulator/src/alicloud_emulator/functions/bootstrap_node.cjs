// The Node.js runtime, inside a function's process: call the handler, again and again.
//
//     node bootstrap_node.cjs REQUESTS_FD ANSWERS_FD CODE_FOLDER RUNTIME
//
// Frames (see frames.py) come on REQUESTS_FD and go out on ANSWERS_FD; standard output
// and standard error are the log. Works with every Node.js since 18.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const util = require('node:util');
const { pathToFileURL } = require('node:url');

const [requestsFd, answersFd, code, runtime] = process.argv.slice(2);
const PAYLOAD_BYTES_MAX = 32 * 1024 * 1024;

// Packages that the real runtimes bring along. Here they come from the machine.
const BUNDLED = new Set([
  'ali-oss', 'aliyun-sdk', '@alicloud/fc2', 'tablestore', '@alicloud/pop-core', 'co',
  'gm', 'body', 'raw-body', 'ali-mns',
]);

const requests = new net.Socket({ fd: Number(requestsFd), writable: false });
const answers = new net.Socket({ fd: Number(answersFd), readable: false });
let handler = null;
let current = null; // the invocation under way: { id, answered }

class HandlerError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

// Yields [meta, payload] of every frame.
async function* frames(stream) {
  let chunk = Buffer.alloc(0);
  const source = stream[Symbol.asyncIterator]();
  async function read(size) {
    const whole = Buffer.allocUnsafe(size); // filled in place: never held twice
    let filled = 0;
    while (filled < size) {
      if (chunk.length === 0) {
        const next = await source.next();
        if (next.done) return null;
        chunk = next.value;
      }
      const part = chunk.subarray(0, size - filled);
      part.copy(whole, filled);
      filled += part.length;
      chunk = chunk.subarray(part.length);
    }
    return whole;
  }
  for (;;) {
    const head = await read(8);
    if (head === null) return;
    const meta = await read(head.readUInt32BE(0));
    const payload = await read(head.readUInt32BE(4));
    if (meta === null || payload === null) return;
    yield [JSON.parse(meta.toString()), payload];
  }
}

function send(kind, payload = Buffer.alloc(0)) {
  const meta = Buffer.from(JSON.stringify({ kind }));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(meta.length, 0);
  head.writeUInt32BE(payload.length, 4);
  answers.write(Buffer.concat([head, meta]));
  if (payload.length > 0) answers.write(payload);
}

function log(line) {
  fs.writeSync(2, `${line}\n`);
}

function logLine(level, values) {
  const id = current === null ? '-' : current.id;
  log(`${new Date().toISOString()} ${id} [${level}] ${util.format(...values)}`);
}

const logger = {};
for (const level of ['debug', 'info', 'warn', 'error', 'trace']) {
  logger[level] = console[level] = (...values) => logLine(level, values);
}
logger.log = console.log = (...values) => logLine('verbose', values);
logger.setLogLevel = () => {};

// Lets no connection lead out of this machine. The preload script below this sends
// aliyuncs.com to the emulator; everything else is a host that the cloud does not know.
function stayInside() {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function inside(...args) {
    const first = Array.isArray(args[0]) ? args[0][0] : args[0];
    const options = typeof first === 'object' && first !== null
      ? first : { port: first, host: typeof args[1] === 'string' ? args[1] : undefined };
    if (options.path || isHere(options)) return connect.apply(this, args);
    const host = options.host || options.hostname;
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
      errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: host,
    });
    process.nextTick(() => this.destroy(error));
    return this;
  };
}

function isHere({ host, hostname, port }) {
  const name = String(host || hostname || 'localhost').toLowerCase();
  const emulated = process.env.ALICLOUD_EMULATOR_PROXY && name.endsWith('.aliyuncs.com')
    && ['80', '443'].includes(String(port));
  return emulated || name === 'localhost' || name === '::1' || /^127\.[0-9.]+$/.test(name);
}

function contextOf(meta) {
  const given = meta.credentials || {};
  return {
    requestId: meta.request_id,
    region: meta.region,
    accountId: meta.account_id,
    credentials: {
      accessKeyId: given.access_key_id || '',
      accessKeySecret: given.access_key_secret || '',
      securityToken: given.security_token || '',
    },
    function: { ...meta.function },
    service: { logProject: '', logStore: '', qualifier: 'LATEST', versionId: '' },
    tracing: {},
    retryCount: 0,
    logger,
  };
}

async function load(name) {
  const dot = name.lastIndexOf('.');
  const module = name.slice(0, dot);
  const base = path.join(code, module);
  const file = ['.js', '.cjs', '.mjs'].map((end) => base + end).find(fs.existsSync);
  if (file === undefined) {
    throw new HandlerError('ImportModuleError', `Cannot find module '/code/${module}.js'`);
  }
  const exported = await imported(file);
  const found = exported[name.slice(dot + 1)]
    ?? (exported.default && exported.default[name.slice(dot + 1)]);
  if (typeof found !== 'function') {
    throw new HandlerError(
      'HandlerNotFound', `Handler '${name.slice(dot + 1)}' missing on module '${module}'`);
  }
  return found;
}

async function imported(file) {
  if (file.endsWith('.mjs')) return import(pathToFileURL(file));
  try {
    return require(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM') throw error;
    return import(pathToFileURL(file)); // package.json says "type": "module"
  }
}

// Calls the handler in either style; resolves to [kind, value].
function call(event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => {
      if (error === null || error === undefined) resolve(['result', value]);
      else resolve(['handled-error', error]);
    };
    const returned = handler(event, context, callback);
    const promised = returned !== null && typeof returned === 'object'
      && typeof returned.then === 'function';
    if (promised) {
      returned.then((value) => resolve(['result', value]), reject);
    } else if (handler.length < 3) {
      resolve(['result', returned]);
    } // else the callback is called one day
  });
}

function encoded(value) {
  if (value === undefined) return Buffer.alloc(0);
  const payload = value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value) ?? '');
  if (payload.length > PAYLOAD_BYTES_MAX) {
    throw new HandlerError(
      'ResponseTooLarge', `response exceeds maximum allowed size (${PAYLOAD_BYTES_MAX} bytes)`);
  }
  return payload;
}

// Puts paths as functions see them in life in place of this machine's.
function asSeen(text) {
  return text.replaceAll(`${code}/`, '/code/')
    .replaceAll(__filename, `/var/fc/runtime/${runtime}/bootstrap.cjs`);
}

function report(error) {
  if (!(error instanceof Error)) {
    const text = typeof error === 'string' ? error : JSON.stringify(error) ?? String(error);
    return { errorMessage: text };
  }
  return {
    errorMessage: asSeen(String(error.message)),
    errorType: String(error.name),
    stackTrace: asSeen(String(error.stack)).split('\n'),
  };
}

// The name of a bundled package that this machine lacks, or ''.
function missingBundled(error) {
  if (!error || error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_MODULE_NOT_FOUND') {
    return '';
  }
  const found = /Cannot find (?:module|package) '((?:@[^/']+\/)?[^/']+)/.exec(error.message);
  return found !== null && BUNDLED.has(found[1]) ? found[1] : '';
}

function fail(kind, error) {
  const missing = missingBundled(error);
  if (missing !== '') {
    finish('not-started', Buffer.from(
      `runtime '${runtime}' brings '${missing}', but this machine has none: run`
      + ` 'npm install -g ${missing}', or let NODE_PATH lead to it`), 'not started');
    return;
  }
  const body = report(error);
  logLine('error', [(body.stackTrace || [body.errorMessage]).join('\n')]);
  finish(kind, Buffer.from(JSON.stringify(body)), 'Unhandled function error');
}

function finish(kind, payload, problem = '') {
  if (current === null) return;
  const end = `FC Invoke End RequestId: ${current.id}`;
  current = null;
  log(problem === '' ? end : `${end}, Error: ${problem}`);
  send(kind, payload);
}

async function invoke(meta, event) {
  Object.assign(process.env, meta.env);
  current = { id: meta.request_id };
  log(`FC Invoke Start RequestId: ${meta.request_id}`);
  if (handler === null) log(`load code for handler:${meta.function.handler}`);
  send('started');
  try {
    if (handler === null) handler = await load(meta.function.handler);
    const [kind, value] = await call(event, contextOf(meta));
    if (kind === 'result') finish(kind, encoded(value));
    else fail(kind, value);
  } catch (error) {
    fail('error', error);
  }
}

// What nobody caught ends the invocation, and the process with it.
process.on('uncaughtException', (error) => {
  fail('error', error);
  answers.end(() => process.exit(1));
});

async function main() {
  stayInside();
  for await (const [meta, event] of frames(requests)) await invoke(meta, event);
  process.exit(0);
}

main();
