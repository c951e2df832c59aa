/** How the guard's own proofs are told, a line each, wherever they are shown; and whether a guard is there at all. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { isGuardOn } from '../guard/guard-lock.ts';
import { hookNames } from '../guard/settings.ts';
import type { Values } from '../guard/settings.ts';
import { listenAt } from '../guard/setting.ts';
import { nameOf } from '../guard/proving/place.ts';
import type { Kept } from '../guard/proving/place.ts';
import { plain } from '../show/text/plain.ts';
import { durationWords, isoTime } from '../show/text/time.ts';

const answersMsMax = 2000;

const answers = async (at: { host: string; port: number } | { path: string }): Promise<boolean> => {
  const socket = connect(at);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(answersMsMax) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** On this state; where this user may not see that, on any of its hooks. */
export const isGuardThere = async (values: Values, state: string): Promise<boolean> => {
  const isOn = isGuardOn(state);
  if (isOn !== undefined) return isOn;
  for (const name of hookNames) {
    const at = listenAt(values.get(`${name}.listen`));
    if (at !== undefined && at !== 'off' && (await answers(at))) return true;
  }
  return false;
};

export const stateMarks: Readonly<Record<Kept['state'], string>> = { proven: '✓', wrong: '✗', 'not-proven': '~' };

/** `✗ postfix 192.0.2.25:25 (policy): not asked, for 2 h 4 min (looked 3 min ago)` */
export const asksLine = (place: Kept, now: number): string => {
  const since = place.state === 'wrong' ? `, for ${durationWords(now - place.since)}` : '';
  const looked = `(looked ${durationWords(now - place.lookedAt)} ago)`;
  return `${stateMarks[place.state]} ${plain(`${nameOf([place])}: ${place.words}`)}${since} ${looked}`;
};

/** The same for programs. */
export const asDocument = ({ since, lookedAt, ...place }: Kept): object => ({
  ...place,
  since: isoTime(since),
  lookedAt: isoTime(lookedAt),
});
