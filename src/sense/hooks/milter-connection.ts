/** One milter connection: its commands are answered in order, each before the next is looked at. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { decodeCommand } from '../../protocols/milter/command.ts';
import { createPacketCutter } from '../../protocols/milter/packet.ts';
import type { Packet } from '../../protocols/milter/packet.ts';
import { encodeReply } from '../../protocols/milter/reply.ts';
import type { MilterReply } from '../../protocols/milter/reply.ts';
import { createMilterAnswers, goOn } from './milter-answers.ts';
import type { MilterDesk } from './milter-answers.ts';

const goOnBytes = goOn.map(encodeReply);
const bytesOf = (replies: readonly MilterReply[]): readonly Buffer[] =>
  replies === goOn ? goOnBytes : replies.map(encodeReply);

/** @returns tells when the last command came in; at first, when the connection began */
export const serveMilterConnection = (socket: Socket, desk: MilterDesk): (() => number) => {
  const cutter = createPacketCutter();
  const answer = createMilterAnswers(desk);
  let commandAt = Date.now();
  /** An answer that is waited for: nothing more is read, so a server that floods fills its own buffers. */
  let waits = false;

  const send = (replies: readonly Buffer[]): void => {
    const [only] = replies;
    if (only === undefined) return;
    // Who sends and never reads is not read from either.
    if (!socket.write(replies.length === 1 ? only : Buffer.concat(replies))) socket.pause();
  };

  const resumeIfFree = (): void => {
    if (!waits && !socket.writableNeedDrain) socket.resume();
  };

  const wait = async (replies: Promise<readonly MilterReply[]>, rest: readonly (Packet | 'too-large')[]) => {
    waits = true;
    socket.pause();
    const known = await replies.catch((error: unknown) => {
      desk.complain(error);
      return goOn;
    });
    waits = false;
    if (socket.destroyed) return;
    commandAt = Date.now();
    answerAll(rest, bytesOf(known));
    resumeIfFree();
  };

  /** @param answered goes out first */
  const answerAll = (packets: readonly (Packet | 'too-large')[], answered: readonly Buffer[]): void => {
    const replies = [...answered];
    for (const [at, packet] of packets.entries()) {
      const command = packet === 'too-large' ? undefined : decodeCommand(packet);
      if (command === undefined) {
        desk.counts.garbage++;
        socket.destroy();
        return;
      }
      const said = answer(command, commandAt);
      if (said instanceof Promise) {
        send(replies);
        void wait(said, packets.slice(at + 1));
        return;
      }
      replies.push(...bytesOf(said));
      if (command.kind !== 'quit') continue;
      send(replies);
      socket.destroySoon();
      return;
    }
    send(replies);
  };

  socket.on('data', (bytes) => {
    commandAt = Date.now();
    answerAll(cutter.cut(bytes), []);
  });
  socket.on('drain', resumeIfFree);
  socket.on('error', () => undefined);
  return () => commandAt;
};
