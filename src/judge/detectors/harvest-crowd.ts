/** D2: thousands of clients ask a few times each. Share of bad first contacts among 20 never-good networks, per recipient domain (DETECTION B.3). */
import { addToBlock } from '../statistics/contact-blocks.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { tags } from './tags.ts';

const observe = (facts: Facts, bench: Bench): void => {
  const { contact, seconds } = facts;
  if (contact === undefined || !contact.newcomer) return;
  if (!addToBlock(bench.table, tags.harvestBlocks, contact.domain, seconds, contact.bad)) return;
  bench.accuse(facts, {
    detector: 'harvest-crowd',
    attack: 'dictionary',
    target: { kind: 'recipient-domain', value: contact.domain },
    actor: undefined,
    crowd: true,
    why: `of 20 networks that never sent good mail before, far more than usual began with a recipient that does not exist at ${contact.domain}`,
  });
};

export const harvestCrowd: Detector = {
  name: 'harvest-crowd',
  attack: 'dictionary',
  sentence: 'many clients ask one domain for recipients that do not exist, a few each',
  listensTo: ['recipient', 'delivery'],
  observe,
};
