/**
 * D2: thousands of clients ask a few times each. Per recipient domain, the share of bad first contacts among 20 never-good
 * networks; and, for a slow campaign among many honest newcomers, how many such there are at this time of day (DETECTION B.3).
 */
import type { ServerName } from '../../model/event.ts';
import { addToBlock, isAlarmed, raiseAlarm } from '../statistics/contact-blocks.ts';
import { shifts } from '../statistics/count-shift.ts';
import type { Table } from '../statistics/table.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { tags } from './tags.ts';

const shiftTags = { target: tags.harvestCount, hour: tags.harvestHour };

/**
 * Sendmail looks a recipient up before it tells a milter of it: there newcomers can only be put off at MAIL, before a name is
 * said. So an alarm for any domain is one for that server.
 */
export const isServerAlarmed = (table: Table, server: ServerName, seconds: number): boolean =>
  server === 'sendmail' && isAlarmed(table, tags.harvestServer, server, seconds);

const accuse = (facts: Facts, bench: Bench, domain: string, why: string): void => {
  if (facts.event.server === 'sendmail') raiseAlarm(bench.table, tags.harvestServer, 'sendmail', facts.seconds);
  bench.accuse(facts, {
    detector: 'harvest-crowd',
    attack: 'dictionary',
    target: { kind: 'recipient-domain', value: domain },
    actor: undefined,
    crowd: true,
    why,
  });
};

const observe = (facts: Facts, bench: Bench): void => {
  const { contact, seconds } = facts;
  if (contact === undefined || !contact.newcomer) return;
  const { domain, bad } = contact;
  const { table } = bench;
  if (addToBlock(table, tags.harvestBlocks, domain, seconds, bad))
    accuse(
      facts,
      bench,
      domain,
      `of 20 networks that never sent good mail before, far more than usual began with a recipient that does not exist at ${domain}`,
    );
  if (!bad || !shifts(table, shiftTags, domain, seconds)) return;
  raiseAlarm(table, tags.harvestBlocks, domain, seconds);
  accuse(
    facts,
    bench,
    domain,
    `at this time of day far more networks than usual begin with a recipient that does not exist at ${domain}`,
  );
};

export const harvestCrowd: Detector = {
  name: 'harvest-crowd',
  attack: 'dictionary',
  sentence: 'many clients ask one domain for recipients that do not exist, a few each',
  listensTo: ['recipient', 'delivery'],
  observe,
};
