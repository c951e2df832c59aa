/**
 * The lab's DNS: authoritative for everything, from rules instead of a zone file (RFC 1035). Domains below `.test` send
 * their mail to the sink; clients have names that say their address.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';
import { clientWithLongName, hosts, networkWithForgedName, networkWithoutName } from './network.ts';

const types = { A: 1, PTR: 12, MX: 15 } as const;
const nameError = 3;
const ttlSeconds = 60;

type RecordData = { readonly type: number; readonly data: Buffer };
/** undefined: there is no such name (NXDOMAIN). An empty list: the name has no record of that type. */
type Answer = readonly RecordData[] | undefined;

const bytesOf = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);

const a = (address: string): RecordData => ({ type: types.A, data: bytesOf(address) });
const ptr = (name: string): RecordData => ({ type: types.PTR, data: encodeName(name) });
const mx = (name: string): RecordData => ({
  type: types.MX,
  data: Buffer.concat([Buffer.from([0, 10]), encodeName(name)]),
});

const reverseZone = '.in-addr.arpa';
const clientName = /^h-(\d+)-(\d+)-(\d+)-(\d+)\.(?:long[a-z.]{1,200}\.)?clients\.test$/;
const longPart = `${'long'.repeat(15)}.${'long'.repeat(15)}.`;

const clientNameOf = (address: string): Answer => {
  if (address.startsWith(networkWithoutName)) return undefined;
  if (address.startsWith('127.')) return [ptr('mx.lab.test')];
  const shown = address.startsWith(networkWithForgedName) ? '192.0.2.200' : address;
  return [ptr(`h-${shown.replaceAll('.', '-')}.${address === clientWithLongName ? longPart : ''}clients.test`)];
};

const fixedNames = new Map<string, readonly RecordData[]>([
  ['mx.lab.test', [a('127.0.0.1')]],
  ['mx.internet.test', [a(hosts.internet)]],
  ['mx.nobody.test', [a(hosts.nobody)]],
  ['mx.ring.test', [a(hosts.exim)]],
  ['ring.test', [mx('mx.ring.test')]],
  ['tempfail.test', [mx('mx.nobody.test')]],
]);
const namesThatDoNotExist = new Set(['hardfail.test']);

const recordsOf = (name: string): Answer => {
  const fixed = fixedNames.get(name);
  if (fixed !== undefined) return fixed;
  if (name.endsWith(reverseZone)) {
    return clientNameOf(name.slice(0, -reverseZone.length).split('.').toReversed().join('.'));
  }
  const client = clientName.exec(name);
  if (client !== null) return [a(client.slice(1).join('.'))];
  if (!name.endsWith('.test') || namesThatDoNotExist.has(name)) return undefined;
  return [mx('mx.internet.test'), a(hosts.internet)];
};

type Query = { readonly name: string; readonly type: number; readonly end: number };

const decodeQuery = (packet: Buffer): Query => {
  const labels: string[] = [];
  let at = 12;
  while ((packet[at] ?? 0) > 0) {
    const length = packet[at] ?? 0;
    labels.push(packet.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 };
};

const encodeRecord = ({ type, data }: RecordData): Buffer => {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc0_0c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
};

const answerTo = (packet: Buffer): Buffer => {
  const { name, type, end } = decodeQuery(packet);
  const records = recordsOf(name);
  const asked = (records ?? []).filter((record) => record.type === type);
  const head = Buffer.alloc(12);
  packet.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8580 | (records === undefined ? nameError : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(asked.length, 6);
  return Buffer.concat([head, packet.subarray(12, end), ...asked.map(encodeRecord)]);
};

export const startDns = async (): Promise<Stoppable> => {
  const socket = createSocket('udp4');
  socket.on('message', (packet, peer) => {
    socket.send(answerTo(packet), peer.port, peer.address);
  });
  socket.bind(53, '127.0.0.1');
  await once(socket, 'listening');
  return stoppable(async () => {
    socket.close();
    await once(socket, 'close');
  });
};
