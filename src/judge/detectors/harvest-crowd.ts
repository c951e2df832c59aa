/**
 * D2: thousands of clients ask a few times each. Per recipient domain, the share of bad first contacts among 20 never-good
 * networks; and, for a slow campaign among many honest newcomers, how many such there are at this time of day (DETECTION B.3).
 */
import { addToBlock, raiseAlarm } from '../statistics/contact-blocks.ts';
import { shifts } from '../statistics/count-shift.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { tags } from './tags.ts';

const shiftTags = { target: tags.harvestCount, hour: tags.harvestHour };

const accuse = (facts: Facts, bench: Bench, domain: string, why: string): void =>
  bench.accuse(facts, {
    detector: 'harvest-crowd',
    attack: 'dictionary',
    target: { kind: 'recipient-domain', value: domain },
    actor: undefined,
    crowd: true,
    why,
  });

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
