import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../model/fault.ts';
import { configSchema, readConfig } from './config.ts';
import { listenAt } from './setting.ts';
import { durationSeconds, settings } from './settings.ts';

const withFile = (text: string): ReturnType<typeof readConfig> => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-config-'));
  try {
    const file = join(directory, 'postern.yaml');
    writeFileSync(file, text);
    return readConfig(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
};
const errorsOf = (text: string): string[] => {
  try {
    withFile(text);
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'CONFIG');
    return error.message.split('\n').map((line) => line.replace(/^.*postern\.yaml:/, ''));
  }
  return [];
};

test('nothing, and what differs', () => {
  assert.equal(readConfig(undefined).values.get('policy.listen'), '127.0.0.1:10040');
  const { values, origins } = withFile('listeners:\n  threads: 2\nprotect: [10.0.0.0/8]\n');
  assert.equal(values.get('listeners.threads'), 2);
  assert.match(origins.get('listeners.threads') ?? '', /postern\.yaml:2:3$/);
  assert.equal(origins.get('state'), 'default');
  assert.deepEqual(withFile('# nothing\n').values, readConfig(undefined).values);
});

test('all errors at once, each with line, column, key and the nearest known name', () => {
  const errors = errorsOf(
    'polcy:\n  listen: x\nlisteners:\n  thread: 1\npolicy:\n  listen: nowhere\nprotect: [300.1.1.1]\njudge:\n  learning: soon\n',
  );
  assert.deepEqual(
    errors.map((error) => error.split(' ').slice(0, 2).join(' ')),
    ['1:1 polcy:', '4:3 listeners.thread:', '6:11 policy.listen:', '7:10 protect:', '9:13 judge.learning:'],
  );
  assert.match(errors[1] ?? '', /did you mean listeners\.threads\?/);
});

test('many ways to be wrong', () => {
  const wrong = [
    'a',
    '- a',
    '[',
    'state: 5',
    'state: ""',
    'logs: mail.log',
    'logs: [1]',
    'zone: CET',
    'check: { every: 30s }',
    'check: { every: 30d }',
    'accounts: { lookAgain: 8d }',
    'policy: 5',
    'policy:\n  listen: 127.0.0.1',
    'policy:\n  listen: h:99999',
    'listeners:\n  threads: 0',
    'listeners:\n  threads: 1.5',
    'protect: 10.0.0.0/8',
    'protect: [10.0.0.0/33]',
    'judge:\n  mode: kill',
    'judge:\n  learning: -1d',
    'judge:\n  detectors:\n    harvest: maybe',
    'table:\n  sizeMiB: 1',
    'state: a\nstate: b',
    'state: &a b\nzone: *a',
  ];
  for (const text of wrong) assert.ok(errorsOf(text).length > 0, text);
});

test('durations and listen addresses', () => {
  assert.deepEqual(['90m', '4h', '14d', '0', 0, '1x', '', 5].map(durationSeconds), [
    5400,
    14_400,
    1_209_600,
    0,
    0,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(listenAt('[::1]:10'), { host: '::1', port: 10 });
  assert.deepEqual(listenAt('unix:/run/p'), { path: '/run/p' });
  assert.equal(listenAt('unix:p'), undefined);
});

test('the schema names every setting', () => {
  const text = JSON.stringify(configSchema());
  for (const { key } of settings) assert.ok(text.includes(`"${key.split('.').at(-1) ?? ''}"`), key);
});
