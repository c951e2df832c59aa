/** A signed POST: `postern-signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA-256 of `SECONDS.BODY` under the secret. */
import { createHmac } from 'node:crypto';
import { isoTime } from '../text/time.ts';
import type { Channel } from './notice.ts';

const patienceMs = 10_000;

export const webhookChannel = (url: string, secret: string): Channel => ({
  name: 'webhook',
  send: async (notice, given) => {
    const body = JSON.stringify({
      version: 1,
      ...notice,
      incident: notice.incident ?? null,
      time: isoTime(notice.time),
    });
    const seconds = Math.floor(Date.now() / 1000);
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'postern-signature': `t=${seconds},v1=${signature}` },
      body,
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(patienceMs), ...(given === undefined ? [] : [given])]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
  },
});
