// saz.js - exchanges as the vectors describe them, as a Fiddler session archive; and zip files that are made wrong on purpose.
import * as zlib from 'node:zlib';

const { deflateRawSync, gzipSync } = zlib;

const start = Date.parse('2026-03-02T09:00:00Z');
const pairs = (headers) => Object.entries(headers ?? {}).flatMap(([name, values]) => [values].flat().map((value) => [name, String(value)]));
const bytes = (body) => Buffer.from(body === null || body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));

// ---- zip ----

const table = Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1; return n >>> 0; });
export function crc32(data) {
  if (zlib.crc32) return zlib.crc32(data); // not in the Node.js of Debian 12
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

// An entry is { name, data } and may lie: flags (bit 0: encrypted), at (offset of another local header), packed (bytes in place of those that belong there), size, sum.
export function zip(entries) {
  const parts = [], directory = [];
  let offset = 0;
  for (const { name, data = Buffer.alloc(0), flags = 0, at, packed = deflateRawSync(data), size = data.length, sum = crc32(data) } of entries) {
    const local = Buffer.alloc(30), central = Buffer.alloc(46), label = Buffer.from(name);
    local.writeUInt32LE(0x04034b50, 0); local.writeUInt16LE(20, 4); local.writeUInt16LE(flags, 6); local.writeUInt16LE(8, 8);
    local.writeUInt32LE(sum, 14); local.writeUInt32LE(packed.length, 18); local.writeUInt32LE(size, 22); local.writeUInt16LE(label.length, 26);
    central.writeUInt32LE(0x02014b50, 0); central.writeUInt16LE(20, 4); central.writeUInt16LE(20, 6); local.copy(central, 8, 6, 28);
    central.writeUInt16LE(label.length, 28); central.writeUInt32LE(at ?? offset, 42);
    directory.push(central, label);
    if (at !== undefined) continue;
    parts.push(local, label, packed);
    offset += local.length + label.length + packed.length;
  }
  const tail = Buffer.alloc(22), listed = Buffer.concat(directory);
  tail.writeUInt32LE(0x06054b50, 0); tail.writeUInt16LE(entries.length, 8); tail.writeUInt16LE(entries.length, 10); tail.writeUInt32LE(listed.length, 12); tail.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, tail]);
}

// ---- sessions ----

const chunked = (data) => Buffer.concat([...Array.from({ length: Math.ceil(data.length / 7) }, (_, i) => data.subarray(i * 7, i * 7 + 7)).flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]), Buffer.from('0\r\n\r\n')]);
const lines = (first, headers) => Buffer.from([first, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'));

function request({ method, url, request_headers: headers, request_body: body }, isOriginForm) {
  const { pathname, search } = new URL(url), data = bytes(body);
  const target = isOriginForm ? `${pathname}${search}` : url;
  const fields = pairs(headers).filter(([name]) => name.toLowerCase() !== 'content-length');
  if (!fields.some(([name]) => name.toLowerCase() === 'host')) fields.unshift(['Host', new URL(url).host]);
  return Buffer.concat([lines(`${method} ${target} HTTP/1.1`, data.length ? [...fields, ['Content-Length', data.length]] : fields), data]);
}

// How the body went: plain, chunked or gzip.
function response({ status, response_headers: headers, response_body: body }, way) {
  const drop = ['content-length', 'content-encoding', 'transfer-encoding'];
  const fields = pairs(headers).filter(([name]) => !drop.includes(name.toLowerCase()));
  const data = way === 'gzip' ? gzipSync(bytes(body)) : bytes(body);
  if (way === 'gzip') fields.push(['Content-Encoding', 'gzip']);
  if (fields.length || way !== 'plain') fields.push(way === 'chunked' ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', data.length]);
  return Buffer.concat([lines(`HTTP/1.1 ${status} Whatever`, fields), way === 'chunked' ? chunked(data) : data]);
}

const moment = (ms) => `${new Date(ms).toISOString().slice(0, -1)}0000+00:00`;
export const meta = ({ seconds_since_start: at, duration }, flags = 0) => Buffer.from(`<?xml version="1.0" encoding="utf-8"?>
<Session SID="1" BitFlags="${flags}">
  <SessionTimers ClientConnected="${moment(start)}" ClientBeginRequest="${moment(start + at * 1000)}" GotRequestHeaders="0001-01-01T00:00:00" ServerDoneResponse="0001-01-01T00:00:00" ClientDoneResponse="${moment(start + (at + (duration ?? 0.1)) * 1000)}" />
  <SessionFlags><SessionFlag N="x-processinfo" V="curl:1" /></SessionFlags>
</Session>`);

export const sessionParts = (exchange, number, { way = 'plain', isOriginForm = false } = {}) => [
  { name: `raw/${number}_c.txt`, data: request(exchange, isOriginForm) },
  ...(exchange.status ? [{ name: `raw/${number}_s.txt`, data: response(exchange, way) }] : []),
  { name: `raw/${number}_m.xml`, data: meta(exchange, exchange.url.startsWith('https:') ? 1 : 0) },
];

export const saz = (exchanges, options) => zip([{ name: '_index.htm', data: Buffer.from('<html></html>') }, ...exchanges.flatMap((exchange, i) => sessionParts(exchange, i + 1, options))]);
