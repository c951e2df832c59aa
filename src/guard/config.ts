/** Reads a YAML configuration: only what differs from the defaults. All errors at once, each with line, column and key. */
import { existsSync, readFileSync } from 'node:fs';
import { LineCounter, isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { Document, Node, YAMLMap } from 'yaml';
import { Fault, errorWords } from '../model/fault.ts';
import { nearest } from '../model/nearest.ts';
import { defaults, settings } from './settings.ts';
import type { Values } from './settings.ts';

const configBytesMax = 1024 * 1024;

export type Config = {
  readonly values: Values;
  /** Where a value comes from: `default` or `file:line`. */ readonly origins: ReadonlyMap<string, string>;
};

const isSection = (key: string): boolean => settings.some((setting) => setting.key.startsWith(`${key}.`));

type Reading = {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly errors: string[];
  readonly values: Map<string, unknown>;
  readonly origins: Map<string, string>;
};

const placeOf = (reading: Reading, node: Node | null | undefined): string => {
  const { line, col } = reading.lines.linePos(node?.range?.[0] ?? 0);
  return `${reading.file}:${line}:${col}`;
};

/** What a node stands for; an alias stands for nothing here, so that none can grow without bound. */
const plainValue = (reading: Reading, node: Node | null): unknown => {
  try {
    return node?.toJS(reading.document, { maxAliasCount: 0 });
  } catch {
    return undefined;
  }
};

const readMap = (reading: Reading, map: YAMLMap, prefix: string): void => {
  for (const pair of map.items) {
    const keyNode = isScalar(pair.key) ? pair.key : undefined;
    const key = `${prefix}${String(keyNode?.value)}`;
    const setting = settings.find((each) => each.key === key);
    const valueNode = isNode(pair.value) ? pair.value : null;
    if (setting === undefined && isSection(key) && isMap(valueNode)) {
      readMap(reading, valueNode, `${key}.`);
      continue;
    }
    if (setting === undefined) {
      const guess = nearest(
        key,
        settings.map((each) => each.key),
      );
      reading.errors.push(
        `${placeOf(reading, keyNode)} ${key}: there is no such setting${guess === undefined ? '' : `; did you mean ${guess}?`}`,
      );
      continue;
    }
    const value = plainValue(reading, valueNode);
    if (setting.accepts(value)) {
      reading.values.set(key, value);
      reading.origins.set(key, placeOf(reading, keyNode));
    } else
      reading.errors.push(
        `${placeOf(reading, valueNode ?? keyNode)} ${key}: expected ${setting.form}, got ${JSON.stringify(value)}`,
      );
  }
};

/** @throws Fault CONFIG that names every error */
const parseConfig = (file: string, text: string): Config => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const values = new Map(defaults);
  const origins = new Map([...defaults.keys()].map((key) => [key, 'default']));
  const reading: Reading = { file, document, lines, errors: [], values, origins };
  for (const error of document.errors) {
    const place = error.linePos?.[0];
    reading.errors.push(`${file}:${place?.line ?? 1}:${place?.col ?? 1} ${error.message.split('\n')[0] ?? ''}`);
  }
  if (isMap(document.contents)) readMap(reading, document.contents, '');
  else if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null)) {
    reading.errors.push(`${file}:1:1 expected settings, one \`key: value\` a line`);
  }
  if (reading.errors.length > 0) throw new Fault('CONFIG', reading.errors.join('\n'));
  return { values, origins };
};

/** Read by every command that no other one is named for. */
export const usualConfig = '/etc/postern/postern.yaml';

/** @param named undefined: the usual one where it is there, else the defaults alone */
export const readConfig = (named: string | undefined): Config => {
  const file = named ?? (existsSync(usualConfig) ? usualConfig : undefined);
  if (file === undefined) return parseConfig('', '');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Fault('CONFIG', `cannot read the configuration ${file}: ${errorWords(error)}`, { cause: error });
  }
  if (text.length > configBytesMax)
    throw new Fault('CONFIG', `${file} is larger than ${configBytesMax} bytes: that is no configuration`);
  return parseConfig(file, text);
};

/** JSON Schema for editors. */
export const configSchema = (): object => {
  type Schema = {
    type?: string;
    properties?: Record<string, Schema>;
    additionalProperties?: boolean;
    description?: string;
    default?: unknown;
  };
  const root: Schema = { type: 'object', properties: {}, additionalProperties: false };
  for (const setting of settings) {
    let place = root;
    const parts = setting.key.split('.');
    for (const part of parts.slice(0, -1)) {
      const properties = (place.properties ??= {});
      place = properties[part] ??= { type: 'object', properties: {}, additionalProperties: false };
    }
    (place.properties ??= {})[parts.at(-1) ?? ''] = {
      description: `${setting.sentence} (${setting.form})`,
      default: setting.default,
    };
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Postern', ...root };
};
