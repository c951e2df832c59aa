/** Which notices go where: from the configuration to channels. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Fault, errorWords } from '../../model/fault.ts';
import { createDispatch } from '../../show/notices/dispatch.ts';
import type { Outbox } from '../../show/notices/dispatch.ts';
import { mailChannel } from '../../show/notices/mail.ts';
import { incidentNotice, plainNotice, proofNotice } from '../../show/notices/notice.ts';
import type { Channel } from '../../show/notices/notice.ts';
import { syslogChannel } from '../../show/notices/syslog.ts';
import { webhookChannel } from '../../show/notices/webhook.ts';
import type { GuardNews } from './news.ts';
import type { Values } from '../settings.ts';

const textIn = (values: Values, key: string): string => {
  const value = values.get(key);
  return typeof value === 'string' && value !== 'off' ? value : '';
};

const secretIn = (values: Values, key: string): string | undefined => {
  const file = textIn(values, key);
  if (file === '') return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Fault('CONFIG', `${key}: ${file} cannot be read`, { cause: error });
  }
};

/** @throws Fault CONFIG when something that a channel needs is missing */
export const channelsOf = (values: Values): readonly Channel[] => {
  const channels: Channel[] = [];
  const url = textIn(values, 'notices.webhook');
  if (url !== '') {
    const secret = secretIn(values, 'notices.webhookSecretFile');
    if (secret === undefined)
      throw new Fault(
        'CONFIG',
        'notices.webhook needs notices.webhookSecretFile: who receives it must be able to tell that it is us',
      );
    channels.push(webhookChannel(url, secret));
  }
  const to = values.get('notices.mailTo');
  if (Array.isArray(to) && to.length > 0)
    channels.push(
      mailChannel({
        server: textIn(values, 'notices.mailServer'),
        password: secretIn(values, 'notices.mailPasswordFile'),
        from: textIn(values, 'notices.mailFrom') || `postern@${hostname()}`,
        to: to.map(String),
      }),
    );
  if (values.get('notices.syslog') === 'on') channels.push(syslogChannel);
  return channels;
};

export type Notices = { readonly hear: (news: GuardNews) => void; readonly stop: () => Promise<void> };

/**
 * One notice when an incident opens, when it has doubled, when something was first done about it, when it is over; and one
 * when a server asks no more, one when it asks again.
 */
export const createNotices = (
  channels: readonly Channel[],
  outbox: Outbox,
  complain: (text: string) => void,
): Notices => {
  const dispatch = createDispatch(channels, outbox, complain);
  const host = hostname();
  const acted = new Set<string>();
  return {
    hear: (news) => {
      if (news.kind === 'incident') {
        const { change, incident } = news.change;
        if (change === 'closed') acted.delete(incident.id);
        dispatch.tell(incidentNotice(change, incident, host));
      } else if (news.kind === 'proof') {
        if (news.turn !== 'proven')
          dispatch.tell(proofNotice(news.turn, news.text, news.places[0]?.server ?? '', Date.now(), host));
      } else if (news.kind === 'action' && news.isOnlyNote !== true) {
        const id = news.incident ?? '';
        if (id !== '' && acted.has(id)) return;
        acted.add(id);
        dispatch.tell(plainNotice('acted', news.text, news.incident, Date.now(), host));
      }
    },
    stop: dispatch.stop,
  };
};

/** Sends one to each channel. @returns a line a channel; failed ones say why */
export const testNotices = async (
  values: Values,
): Promise<readonly { channel: string; taken: boolean; text: string }[]> => {
  const notice = plainNotice('test', 'this is a test of the notices', undefined, Date.now(), hostname());
  return Promise.all(
    channelsOf(values).map(async ({ name, send }) => {
      try {
        await send(notice);
        return { channel: name, taken: true, text: 'taken' };
      } catch (error) {
        return { channel: name, taken: false, text: errorWords(error) };
      }
    }),
  );
};
