/**
 * Bounces that answer mail sent here, and those that answer a forgery: senders of outgoing mail are signed, and a bounce comes
 * to the signed address or is none of ours. The keys are a file of the state directory, the last line signs, all are believed.
 */
import { Buffer } from 'node:buffer';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { domainOf } from '../../model/address.ts';
import { Fault } from '../../model/fault.ts';
import { hashedText, isAhead, macLength, readPrvs, writePrvs } from '../../protocols/smtp/prvs.ts';

export type SignatureSettings = {
  /** Hexadecimal; at most ten (the number of a key is one digit). */
  readonly keys: readonly string[];
  /** Senders in these are signed. */
  readonly domains: readonly string[];
  /** An unsigned bounce is refused; otherwise it is judged like any other. */
  readonly enforce: boolean;
};

export type Signature = {
  /** @returns the path to be sent as envelope sender */
  readonly sign: (path: string, time: number) => string;
  /** @returns the path without a signature that is ours, however old, and whether it still holds */
  readonly open: (path: string, time: number) => { readonly path: string; readonly holds: boolean };
  /** True when a bounce to this address must be signed. */
  readonly demands: (path: string) => boolean;
};

const dayMs = 86_400_000;
/** Longer than a server tries to deliver (RFC 5321 §4.5.4.1: four to five days). */
const daysMax = 7;
const keysMax = 10;
const keyBytes = 32;
const keyForm = /^[0-9a-f]{32,128}$/i;

/** Reads the keys, or makes the first one. @throws Fault CONFIG when the file holds something else */
export const ensureKeys = (state: string): readonly string[] => {
  const file = join(state, 'bounce-keys');
  if (!existsSync(file)) {
    mkdirSync(state, { recursive: true, mode: 0o750 });
    writeFileSync(file, `${randomBytes(keyBytes).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  }
  const keys = readFileSync(file, 'latin1').trim().split(/\s+/);
  if (keys.length > keysMax || !keys.every((key) => keyForm.test(key)))
    throw new Fault(
      'CONFIG',
      `${file} must hold one to ${keysMax} lines of hexadecimal digits. Move it away, and a new one is made.`,
    );
  return keys;
};

export const createSignature = ({ keys, domains, enforce }: SignatureSettings): Signature => {
  const own = new Set(domains.map((domain) => domain.toLowerCase()));
  const macOf = (key: number, day: number, path: string): string =>
    createHmac('sha1', Buffer.from(keys[key] ?? '', 'hex'))
      .update(hashedText({ key, day, path }), 'latin1')
      .digest('hex')
      .slice(0, macLength);
  return {
    sign: (path, time) => {
      if (path.startsWith('"') || !own.has(domainOf(path)) || readPrvs(path) !== undefined) return path;
      const key = keys.length - 1;
      const day = (Math.floor(time / dayMs) + daysMax) % 1000;
      return writePrvs({ key, day, mac: macOf(key, day, path), path });
    },
    open: (path, time) => {
      const prvs = readPrvs(path);
      const strange = { path, holds: false };
      if (prvs === undefined || keys[prvs.key] === undefined || !own.has(domainOf(path))) return strange;
      const mac = macOf(prvs.key, prvs.day, prvs.path);
      if (!timingSafeEqual(Buffer.from(mac, 'latin1'), Buffer.from(prvs.mac, 'latin1'))) return strange;
      return { path: prvs.path, holds: isAhead(prvs.day, Math.floor(time / dayMs), daysMax) };
    },
    // Postmaster takes mail from everybody (RFC 5321 §4.5.1).
    demands: (path) => enforce && own.has(domainOf(path)) && !/^postmaster@/i.test(path),
  };
};
