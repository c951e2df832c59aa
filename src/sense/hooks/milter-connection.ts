/** One milter connection: its commands are answered in order, each before the next is looked at. */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeCommand } from '../../protocols/milter/command.ts';
import type { MilterCommand } from '../../protocols/milter/command.ts';
import { createPacketCutter } from '../../protocols/milter/packet.ts';
import { encodeReply } from '../../protocols/milter/reply.ts';
import type { MilterReply } from '../../protocols/milter/reply.ts';
import { createMilterSession, negotiate, repliesOf, wantsReply } from '../../servers/milter.ts';
import type { Heard } from '../../servers/milter.ts';
import type { HookSettings } from './hook.ts';
import { outcomeMsMax } from './outcomes.ts';
import type { Sleepers } from './sleepers.ts';

export type MilterCounts = {
  questions: number;
  /** Connections closed because they did not speak the protocol; the server passes that session's mail. */
  garbage: number;
  /** Questions that the judge could not answer: the mail went on. */
  faults: number;
  /** Connections closed because nothing came, and because another needed the place. */
  idle: number;
  displaced: number;
};

export type MilterDesk = Pick<HookSettings, 'ask' | 'tell' | 'complain' | 'nextProgress' | 'withholds'> & {
  readonly sleepers: Sleepers;
  readonly counts: MilterCounts;
};

const goOn: readonly MilterReply[] = [{ kind: 'continue' }];

/** @returns tells when the last command came in; at first, when the connection began */
export const serveMilterConnection = (socket: Socket, desk: MilterDesk): (() => number) => {
  const cutter = createPacketCutter();
  const session = createMilterSession();
  let commandAt = Date.now();
  /** Commands are few at a time: the server waits for each reply. */
  let turn: Promise<void> = Promise.resolve();

  const giveUp = (): void => {
    desk.counts.garbage++;
    socket.destroy();
  };

  const judged = async ({ question, refused }: Heard): Promise<readonly MilterReply[]> => {
    if (refused) await desk.nextProgress?.(outcomeMsMax);
    if (question === undefined) return goOn;
    if (desk.withholds?.(question) === true) return [];
    desk.counts.questions++;
    try {
      const verdict = desk.ask(question);
      if (verdict.kind === 'delay' && desk.sleepers.admit(question.time, verdict.delayMs)) await pause(verdict.delayMs);
      return repliesOf(verdict, question, refused);
    } catch (error) {
      desk.counts.faults++;
      desk.complain(error);
      return goOn;
    }
  };

  const answer = async (command: MilterCommand): Promise<void> => {
    if (command.kind === 'negotiate') {
      socket.write(encodeReply(negotiate(command.offer)));
      return;
    }
    const heard = session.hear(command, Date.now());
    for (const event of heard.events) desk.tell(event);
    if (command.kind === 'quit') {
      socket.end();
      return;
    }
    if (!wantsReply(command)) return;
    for (const reply of await judged(heard)) socket.write(encodeReply(reply));
  };

  const answerAll = async (bytes: Buffer): Promise<void> => {
    for (const packet of cutter.cut(bytes)) {
      const command = packet === 'too-large' ? undefined : decodeCommand(packet);
      if (command === undefined) return giveUp();
      await answer(command);
      if (socket.destroyed) return;
    }
    socket.resume();
  };

  socket.on('data', (bytes) => {
    commandAt = Date.now();
    // Nothing more is read until these are answered: a server that floods fills its own buffers.
    socket.pause();
    turn = turn.then(() => answerAll(bytes)).catch(desk.complain);
  });
  socket.on('error', () => undefined);
  return () => commandAt;
};
