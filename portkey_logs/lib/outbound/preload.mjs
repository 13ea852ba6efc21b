// Preload for a Portkey gateway: node --import ./preload.mjs build/start-server.js
//
// The gateway connects to hosts that callers name, follows redirects and listens on every address. With this file
//   * it connects to public addresses only, judged when the connection is made: a name that changes its address
//     between a check and the connection gains nothing. PORTKEY_LOGS_TRUSTED_HOSTS lists exceptions (host or host:port);
//   * it passes redirects on to the caller;
//   * it listens on PORTKEY_LOGS_GATEWAY_LISTEN (127.0.0.1) whatever it asks for;
//   * regular expressions made at run time, such as those of configs, take linear time where V8 can do that;
//   * a process that does nothing but compute for HANG_SECONDS ends, so that whatever started it starts it again.

import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import v8 from 'node:v8';
import { Worker } from 'node:worker_threads';

const HANG_SECONDS = 30; // bodies of many megabytes take seconds
const LISTEN = process.env.PORTKEY_LOGS_GATEWAY_LISTEN || '127.0.0.1';
const TRUSTED = new Set(
  (process.env.PORTKEY_LOGS_TRUSTED_HOSTS || '').split(',').map((host) => host.trim().toLowerCase()).filter(Boolean),
);

// The gateway's own check of names, by which it trusts localhost where it is told nothing. It knows no ports.
process.env.TRUSTED_CUSTOM_HOSTS = [...TRUSTED].map((host) => host.replace(/:\d+$/, '')).join(',') || 'none.invalid';

// One list for each family: Node takes an IPv4 address for its mapped form where a list has IPv6 networks too.
const SPECIAL = { ipv4: new net.BlockList(), ipv6: new net.BlockList() };
for (const network of JSON.parse(readFileSync(new URL('special_networks.json', import.meta.url), 'utf8'))) {
  const [address, bits] = network.split('/');
  SPECIAL[family(address)].addSubnet(address, Number(bits), family(address));
}
// IPv6 addresses that stand for an IPv4 address in their last 32 bits: mapped (RFC 4291) and NAT64 (RFC 6052).
const EMBEDDING = new net.BlockList();
EMBEDDING.addSubnet('::ffff:0:0', 96, 'ipv6');
EMBEDDING.addSubnet('64:ff9b::', 96, 'ipv6');

function family(address) {
  return net.isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** The IPv4 address in the last 32 bits of an IPv6 address. */
function embedded(address) {
  const host = new URL(`http://[${address.split('%')[0]}]/`).hostname.slice(1, -1); // compressed, in hexadecimal
  const [head, tail = ''] = host.split('::');
  const right = (host.includes('::') ? tail : head).split(':').filter(Boolean);
  const [high, low] = ['0', '0', ...right].slice(-2).map((group) => parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function isOurs(address) {
  const plain = address.split('%')[0];
  return Object.values(os.networkInterfaces()).some((entries) => entries.some((entry) => entry.address === plain));
}

function isPublic(address) {
  const plain = address.split('%')[0];
  if (net.isIPv6(plain) && EMBEDDING.check(plain, 'ipv6')) return isPublic(embedded(plain));
  return net.isIP(plain) !== 0 && !SPECIAL[family(plain)].check(plain, family(plain)) && !isOurs(plain);
}

function isTrusted(host, port) {
  const name = host.toLowerCase().replace(/\.$/, '').replace(/^\[|\]$/g, '');
  return TRUSTED.has(name) || TRUSTED.has(`${name}:${port}`);
}

/** The same error as for a name that does not exist: a caller must not learn which internal names do. */
function unreachable(host) {
  const error = new Error(`getaddrinfo ENOTFOUND ${host}`);
  return Object.assign(error, { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: host });
}

function guarded(lookup) {
  return (host, options, callback) => {
    if (typeof options === 'function') [options, callback] = [{}, options];
    lookup(host, options, (error, address, kind) => {
      if (error) return callback(error);
      const addresses = Array.isArray(address) ? address.map((entry) => entry.address) : [address];
      if (addresses.every(isPublic)) return callback(null, address, kind);
      console.error(`refused to connect to ${JSON.stringify(host)}: its address ${addresses.join(', ')} is not public`);
      return callback(unreachable(host));
    });
  };
}

// Every TCP connection of Node passes here: fetch, http, https, tls and web sockets.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const given = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args); // net.connect has them normalised already
  const options = given[0];
  const host = options.host || 'localhost';
  if (options.path || (net.isIP(host) && !isTrusted(host, options.port) && !isPublic(host))) {
    console.error(`refused to connect to ${JSON.stringify(options.path || host)}`);
    process.nextTick(() => this.destroy(unreachable(options.path || host)));
    return this;
  }
  if (!isTrusted(host, options.port)) given[0] = { ...options, lookup: guarded(options.lookup || dns.lookup) };
  return connect.call(this, given);
};

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const [options, callback] = net._normalizeArgs(args);
  return listen.call(this, { port: options.port, backlog: options.backlog, host: LISTEN }, callback || undefined);
};

const fetchAny = globalThis.fetch;
globalThis.fetch = (input, init) => fetchAny(input, { ...init, redirect: 'manual' });

v8.setFlagsFromString('--enable-experimental-regexp-engine');
globalThis.RegExp = new Proxy(RegExp, {
  construct(target, [pattern, flags], newTarget) {
    if (typeof pattern === 'string') {
      try {
        return Reflect.construct(target, [pattern, `${flags ?? ''}l`], newTarget);
      } catch {
        // No linear time for this one: capture bounds such patterns before they come here.
      }
    }
    return Reflect.construct(target, [pattern, flags], newTarget);
  },
});

const beats = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => Atomics.add(beats, 0, 1), 1000).unref();
const watch = `
  const { workerData } = require('node:worker_threads');
  const beats = new Int32Array(workerData.buffer);
  let last = -1;
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    if (now === last) process.kill(process.pid, 'SIGKILL');
    last = now;
  }, workerData.seconds * 1000);`;
const workerData = { buffer: beats.buffer, seconds: HANG_SECONDS };
new Worker(watch, { eval: true, execArgv: [], workerData }).unref();
