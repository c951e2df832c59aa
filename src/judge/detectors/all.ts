/** Every detector, in the order they see an event. A new attack is a file here and a line below. */
import { accountSiege } from './account-siege.ts';
import { backscatter } from './backscatter.ts';
import { compromisedAccount } from './compromised-account.ts';
import { connectionFlood } from './connection-flood.ts';
import type { Detector } from './detector.ts';
import { dnsStorm } from './dns-storm.ts';
import { forwardLoop } from './forward-loop.ts';
import { guessingCrowd } from './guessing-crowd.ts';
import { guessingDetector } from './guessing.ts';
import { harvestCrowd } from './harvest-crowd.ts';
import { harvest } from './harvest.ts';
import { localFlood } from './local-flood.ts';
import { protocolAbuse } from './protocol-abuse.ts';
import { relay } from './relay.ts';
import { spray } from './spray.ts';
import { trap } from './trap.ts';

export const allDetectors = (isLearning: (seconds: number) => boolean, invalidPerHour: number): readonly Detector[] => [
  trap,
  harvest,
  harvestCrowd,
  backscatter,
  relay,
  guessingDetector(isLearning),
  accountSiege,
  guessingCrowd,
  spray,
  compromisedAccount(invalidPerHour),
  localFlood,
  forwardLoop,
  protocolAbuse,
  connectionFlood,
  dnsStorm,
];
