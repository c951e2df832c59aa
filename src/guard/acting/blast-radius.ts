/** Whom a block would hit besides: what the guard learned of good mail and logins from there. Reads the saved snapshot. */
import { join } from 'node:path';
import { networkOf } from '../../model/address.ts';
import { firewallSubject } from '../../model/firewall.ts';
import { tags } from '../../judge/detectors/tags.ts';
import { createMemory } from '../../judge/memory.ts';
import { readRatio } from '../../judge/statistics/ratio-test.ts';
import { readSnapshot } from '../snapshot.ts';

/** A note for people; empty when the guard has learned nothing here yet. */
export const blastRadius = async (state: string, text: string): Promise<readonly string[]> => {
  const restored = await readSnapshot(join(state, 'guard.snapshot'));
  const subject = firewallSubject(text);
  if (restored === undefined || subject === undefined) return [];
  const buffer = new SharedArrayBuffer(restored.memory.length);
  new Uint8Array(buffer).set(restored.memory);
  const { table } = createMemory(buffer, restored.snapshot.seed);
  const seconds = Math.floor(Date.now() / 1000);
  const address = subject.split('/')[0] ?? subject;
  const own = readRatio(table, tags.harvest, subject, seconds);
  const around = networkOf(address);
  const mail = readRatio(table, tags.harvestNetwork, around, seconds).good;
  const logins = readRatio(table, tags.guessingNetwork, around, seconds).good;
  const established = own.established ? '; it is an established sender' : '';
  return [
    `blast radius: ${subject} ${own.good === 0 ? 'never reached' : `reached ${own.good}`} good recipients here${established}; its network ${around} ${mail} good recipients and ${logins} good logins`,
  ];
};
