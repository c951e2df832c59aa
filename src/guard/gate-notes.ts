/**
 * Why clients were refused and what suspects said, kept below the state directory as JSON lines: the newest first for who
 * asks. Bounded: a full file becomes the old one, and the old one goes.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AnswersNote, GateNote, RefusalNote, TranscriptNote } from '../model/gate-note.ts';

const fileBytesMax = 8 * 1024 * 1024;
const flushMs = 500;
const waitingMax = 10_000;

const fileIn = (state: string): string => join(state, 'gate-notes.jsonl');
const oldOf = (file: string): string => `${file}.1`;

export type GateNotes = {
  readonly add: (note: GateNote) => void;
  /** Writes what waits. */
  readonly flush: () => void;
};

export const createGateNotes = (state: string): GateNotes => {
  const file = fileIn(state);
  let waiting: string[] = [];
  let flushing: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(flushing);
    flushing = undefined;
    const lines = waiting;
    waiting = [];
    if (lines.length === 0) return;
    try {
      mkdirSync(state, { recursive: true, mode: 0o750 });
      if (existsSync(file) && statSync(file).size > fileBytesMax) renameSync(file, oldOf(file));
      appendFileSync(file, lines.join(''), { mode: 0o640 });
    } catch {
      // A full disk costs these notes, never a session.
    }
  };
  return {
    add: (note) => {
      if (waiting.length >= waitingMax) return;
      waiting.push(`${JSON.stringify(note)}\n`);
      flushing ??= setTimeout(flush, flushMs).unref();
    },
    flush,
  };
};

const isNote = (value: unknown): value is GateNote =>
  typeof value === 'object' && value !== null && 'kind' in value && 'time' in value;

const notesIn = (file: string): readonly GateNote[] => {
  if (!existsSync(file)) return [];
  const notes: GateNote[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    try {
      const value: unknown = JSON.parse(line);
      if (isNote(value)) notes.push(value);
    } catch {
      // A line that a crash cut short.
    }
  }
  return notes;
};

const newestFirst = (state: string): readonly GateNote[] =>
  [...notesIn(oldOf(fileIn(state))), ...notesIn(fileIn(state))].toReversed();

/** A reference as people say it: five letters or digits. */
export const isRef = (text: string): boolean => /^[0-9A-HJKMNP-TV-Z]{5}$/i.test(text);

export const refusalIn = (state: string, ref: string): RefusalNote | undefined =>
  newestFirst(state).find((note): note is RefusalNote => note.kind === 'refusal' && note.ref === ref.toUpperCase());

export const transcriptsIn = (state: string, client: string, countMax: number): readonly TranscriptNote[] =>
  newestFirst(state)
    .filter((note): note is TranscriptNote => note.kind === 'transcript' && note.client === client)
    .slice(0, countMax);

/** The newest of each listener. */
export const answersIn = (state: string): readonly AnswersNote[] => {
  const newest = new Map<string, AnswersNote>();
  for (const note of newestFirst(state))
    if (note.kind === 'answers' && !newest.has(note.listener)) newest.set(note.listener, note);
  return [...newest.values()];
};
