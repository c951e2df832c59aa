/**
 * A certificate made at the first start, so that TLS works at once: ECDSA P-256, signed by itself (RFC 5280; the DER of
 * X.690). Mail servers do not look at who signed it (RFC 7435); for people's mail programs a real one is configured.
 */
import { Buffer } from 'node:buffer';
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { Fault, errorWords } from '../../model/fault.ts';

const yearsValid = 10;

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | short.length]), short, body]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const ecdsaWithSha256 = sequence(der(0x06, hex('2a8648ce3d040302')));
const commonName = der(0x06, hex('550403'));
const subjectAltName = der(0x06, hex('551d11'));
const dnsName = 0x82;

const nameOf = (host: string): Buffer =>
  sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(host.slice(0, 64), 'utf8')))));
const timeOf = (date: Date): Buffer =>
  der(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`, 'latin1'));
const pem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;

/** @returns key and certificate in PEM */
const makeCertificate = (host: string, now: Date): { readonly key: string; readonly cert: string } => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(8);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 1; // positive and without a leading zero
  const until = new Date(now);
  until.setUTCFullYear(now.getUTCFullYear() + yearsValid);
  const names = der(0x04, sequence(der(dnsName, Buffer.from(host, 'latin1'))));
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    ecdsaWithSha256,
    nameOf(host),
    sequence(timeOf(now), timeOf(until)),
    nameOf(host),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(sequence(subjectAltName, names))),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, privateKey));
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: pem(sequence(toBeSigned, ecdsaWithSha256, signature)),
  };
};

const keyFile = 'gate-key.pem';
const certFile = 'gate-certificate.pem';

/** Makes both files when they are not there yet. @param directory the state directory */
export const ensureCertificate = (directory: string, host: string): void => {
  if (existsSync(join(directory, certFile))) return;
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const { key, cert } = makeCertificate(host, new Date());
  writeFileSync(join(directory, keyFile), key, { mode: 0o600 });
  const beside = join(directory, `${certFile}.tmp`);
  writeFileSync(beside, cert, { mode: 0o644 });
  renameSync(beside, join(directory, certFile));
};

export type TlsFiles = { readonly key: string; readonly cert: string };
export const madeFiles = (directory: string): TlsFiles => ({
  key: join(directory, keyFile),
  cert: join(directory, certFile),
});

/** @throws Fault CONFIG when the files cannot be read or do not belong together */
export const readTls = ({ key, cert }: TlsFiles): SecureContext => {
  try {
    const keyText = readFileSync(key, 'utf8');
    createPrivateKey(keyText);
    return createSecureContext({ key: keyText, cert: readFileSync(cert, 'utf8'), minVersion: 'TLSv1.2' });
  } catch (error) {
    throw new Fault('CONFIG', `The gate cannot use ${cert} with ${key} for TLS: ${errorWords(error)}`, {
      cause: error,
    });
  }
};
