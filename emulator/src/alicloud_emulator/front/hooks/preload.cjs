// Loaded first by Node.js programs that `exec`, `env` or a function started.
//
// Node's https and fetch ignore HTTPS_PROXY. So TCP connections to ports 80 and 443 of
// hosts under aliyuncs.com go to the emulator's port, which takes TLS and HTTP directly
// and finds the host by server name or Host header. Such a name resolves to the
// emulator, or fails with ENOTFOUND where the real name would not resolve. TLS is
// verified as ever: NODE_EXTRA_CA_CERTS names the emulator's bundle.
//
// Nothing is changed for other hosts, or without ALICLOUD_EMULATOR_PROXY. Only in a
// function (ALICLOUD_EMULATOR_INSIDE) other hosts are not found: the emulated cloud is
// all there is.
'use strict';

const net = require('net');

const SUFFIX = '.aliyuncs.com';
const PORTS = new Set(['80', '443']);
const PROBE_MS = 30000;
const LOOPBACK = /^(localhost$|127\.|::1$)/;

const proxy = process.env.ALICLOUD_EMULATOR_PROXY;
if (proxy) hook(new URL(proxy));

function hook(emulator) {
  const address = emulator.hostname.replace(/^\[|\]$/g, '');
  const family = net.isIPv6(address) ? 6 : 4;
  const connect = net.Socket.prototype.connect;
  const known = new Set();

  net.Socket.prototype.connect = function emulated(...args) {
    // Inside Node, arguments come as one array [options, callback].
    const normalized = Array.isArray(args[0]);
    const first = normalized ? args[0][0] : args[0];
    const options = typeof first === 'object' && first !== null
      ? first : { port: first, host: typeof args[1] === 'string' ? args[1] : undefined };
    const host = options.host || options.hostname;
    if (!isEmulated(options)) {
      if (process.env.ALICLOUD_EMULATOR_INSIDE && typeof host === 'string' &&
          !options.path && !LOOPBACK.test(host)) {
        process.nextTick(() => this.destroy(notFound(host)));
        return this;
      }
      return connect.apply(this, args);
    }
    const changed = { ...options, port: Number(emulator.port), lookup };
    if (normalized) {
      args[0][0] = changed;
      return connect.apply(this, args);
    }
    const callback = args.find((one) => typeof one === 'function');
    return connect.call(this, changed, ...(callback ? [callback] : []));
  };

  function lookup(name, options, callback) {
    const done = typeof options === 'function' ? options : callback;
    const all = typeof options === 'object' && options !== null && options.all;
    resolve(name, (error) => {
      if (error) done(error);
      else if (all) done(null, [{ address, family }]);
      else done(null, address, family);
    });
  }

  // Ask the emulator by a CONNECT: it answers 200 if the name resolves.
  function resolve(name, done) {
    if (known.has(name)) return process.nextTick(done);
    const probe = new net.Socket();
    let answer = '';
    let over = false;
    const finish = (error) => {
      if (over) return;
      over = true;
      probe.destroy();
      if (!error) known.add(name);
      done(error);
    };
    probe.setTimeout(PROBE_MS, () => finish(notFound(name)));
    probe.on('error', finish);
    probe.on('close', () => finish(notFound(name)));
    probe.on('data', (block) => {
      answer += block.toString('latin1');
      if (!answer.includes('\r\n')) return;
      finish(/^HTTP\/1\.[01] 200 /.test(answer) ? null : notFound(name));
    });
    connect.call(probe, { host: address, port: Number(emulator.port) }, () => {
      probe.write(`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    });
  }
}

function isEmulated(options) {
  const host = options.host || options.hostname;
  return typeof host === 'string' && !options.path &&
    host.toLowerCase().endsWith(SUFFIX) && PORTS.has(String(options.port));
}

function notFound(name) {
  const error = new Error(`getaddrinfo ENOTFOUND ${name}`);
  return Object.assign(error, {
    errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name,
  });
}
