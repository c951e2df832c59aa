/** Settings of the notices. */
import { isListOf, isOneOf, isText } from '../setting.ts';
import type { Setting } from '../setting.ts';

const isMailAddress = (value: unknown): boolean => isText(value) && /^[^\s<>@]+@[^\s<>@]+$/.test(value);
const isUrl =
  (...protocols: readonly string[]) =>
  (value: unknown): boolean =>
    value === 'off' || (isText(value) && URL.canParse(value) && protocols.includes(new URL(value).protocol));
const isPathOrOff = (value: unknown): boolean => value === 'off' || (isText(value) && value.startsWith('/'));

export const noticeOptions: readonly Setting[] = [
  {
    key: 'notices.mailTo',
    default: [],
    form: 'a list of mail addresses',
    sentence: 'Who is told by mail when an incident opens, turns or ends.',
    accepts: isListOf(isMailAddress),
  },
  {
    key: 'notices.mailFrom',
    default: 'off',
    form: 'a mail address, or off: postern@HOST',
    sentence: 'The sender of notices.',
    accepts: (value) => value === 'off' || isMailAddress(value),
  },
  {
    key: 'notices.mailServer',
    default: 'smtp://127.0.0.1:25',
    form: 'smtp://[USER@]HOST[:PORT][?tls=off] or smtps://…',
    sentence: 'Where notices are handed in; another server than the guarded one still works when its queue is frozen.',
    accepts: (value) => value !== 'off' && isUrl('smtp:', 'smtps:')(value),
  },
  {
    key: 'notices.mailPasswordFile',
    default: 'off',
    form: 'a path, or off',
    sentence: 'A file that holds the password for it.',
    accepts: isPathOrOff,
  },
  {
    key: 'notices.webhook',
    default: 'off',
    form: 'a URL (http, https), or off',
    sentence: 'Where notices are posted as JSON, signed.',
    accepts: isUrl('http:', 'https:'),
  },
  {
    key: 'notices.webhookSecretFile',
    default: 'off',
    form: 'a path, or off',
    sentence: 'A file that holds the secret they are signed with.',
    accepts: isPathOrOff,
  },
  {
    key: 'notices.syslog',
    default: 'off',
    form: 'on or off',
    sentence: 'Notices to syslog, facility mail, as postern.',
    accepts: isOneOf('on', 'off'),
  },
];
