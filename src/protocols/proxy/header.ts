/** The PROXY protocol (haproxy's proxy-protocol.txt), versions 1 and 2: who really connected, told by a load balancer. */
import { Buffer } from 'node:buffer';
import { bitsOf, canonicalAddress } from '../../model/address.ts';

export type Address = { readonly address: string; readonly port: number };

export type ReadHeader =
  | { readonly kind: 'header'; readonly client: Address | undefined; readonly length: number }
  | { readonly kind: 'more' }
  | { readonly kind: 'garbage' };

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** §2.1: the longest line of version 1. */
const lineBytesMax = 107;
const versionAndProxy = 0x21;
const versionAndLocal = 0x20;
const overTcp4 = 0x11;
const overTcp6 = 0x21;
const more: ReadHeader = { kind: 'more' };
const garbage: ReadHeader = { kind: 'garbage' };

const addressBytes = (address: string): Buffer => {
  const bits = bitsOf(address);
  const length = address.includes(':') ? 16 : 4;
  const bytes = Buffer.alloc(length);
  let rest = bits ?? 0n;
  for (let at = length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
};

/** Version 2, for TCP. */
export const proxyHeader = (client: Address, server: Address): Buffer => {
  const isV6 = client.address.includes(':');
  const to = isV6 === server.address.includes(':') ? server.address : isV6 ? '::1' : '127.0.0.1';
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(client.port, 0);
  ports.writeUInt16BE(server.port, 2);
  const body = Buffer.concat([addressBytes(client.address), addressBytes(to), ports]);
  const head = Buffer.from([versionAndProxy, isV6 ? overTcp6 : overTcp4, 0, body.length]);
  return Buffer.concat([signature, head, body]);
};

const textOf = (bytes: Buffer): string | undefined =>
  canonicalAddress(
    bytes.length === 4
      ? [...bytes].join('.')
      : Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':'),
  );

const readBinary = (bytes: Buffer): ReadHeader => {
  if (bytes.length < 16) return more;
  const length = 16 + bytes.readUInt16BE(14);
  if (bytes.length < length) return more;
  if (bytes[12] === versionAndLocal) return { kind: 'header', client: undefined, length };
  if (bytes[12] !== versionAndProxy) return garbage;
  const size = bytes[13] === overTcp4 ? 4 : bytes[13] === overTcp6 ? 16 : 0;
  if (size === 0) return { kind: 'header', client: undefined, length };
  if (length < 16 + size * 2 + 4) return garbage;
  const address = textOf(bytes.subarray(16, 16 + size));
  return address === undefined
    ? garbage
    : { kind: 'header', client: { address, port: bytes.readUInt16BE(16 + size * 2) }, length };
};

const readLine = (bytes: Buffer): ReadHeader => {
  const end = bytes.indexOf('\r\n');
  if (end < 0) return bytes.length > lineBytesMax ? garbage : more;
  if (end > lineBytesMax) return garbage;
  const [, family, from = '', , port = ''] = bytes.toString('latin1', 0, end).split(' ');
  if (family === 'UNKNOWN') return { kind: 'header', client: undefined, length: end + 2 };
  const address = canonicalAddress(from);
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535;
  return (family === 'TCP4' || family === 'TCP6') && address !== undefined && isPort
    ? { kind: 'header', client: { address, port: Number(port) }, length: end + 2 }
    : garbage;
};

/** Reads the header at the start of a connection. `client` undefined: the balancer speaks for itself. */
export const readProxyHeader = (bytes: Buffer): ReadHeader => {
  const known = bytes.subarray(0, signature.length);
  if (known.equals(signature.subarray(0, known.length))) {
    return known.length < signature.length ? more : readBinary(bytes);
  }
  const start = bytes.toString('latin1', 0, 6);
  return 'PROXY '.startsWith(start) ? (start.length < 6 ? more : readLine(bytes)) : garbage;
};
