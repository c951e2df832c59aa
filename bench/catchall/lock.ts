/**
 * How long it takes to audit, lock and restore the catch-alls of many domains, one alias file each (cPanel's layout):
 * `node bench/catchall/lock.ts [--domains 10000]`. Every file is written beside, made durable and renamed, with a receipt each.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catchAllLock } from '../../src/act/catchall-lock.ts';
import { performAll } from '../../src/act/perform.ts';
import { undo } from '../../src/act/recover.ts';
import { auditCatchAlls } from '../../src/guard/catch-alls/audit.ts';
import { accepts, usualPlaces } from '../../src/guard/catch-alls/places.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { describeMachine, tableOf } from '../machine.ts';

const { values: options } = parseArgs({ options: { domains: { type: 'string', default: '10000' } } });
const domains = Number(options.domains);

const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const valiases = join(folder, 'valiases');
mkdirSync(valiases);
const nameOf = (at: number): string => `customer${at}.test`;
const textOf = (at: number): string => `info@${nameOf(at)}: owner${at}\n*: owner${at}\n`;
for (let at = 0; at < domains; at++) writeFileSync(join(valiases, nameOf(at)), textOf(at));

const rows: string[][] = [];
const measure = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const began = process.hrtime.bigint();
  const result = await work();
  rows.push([what, (Number(process.hrtime.bigint() - began) / 1e9).toFixed(1)]);
  return result;
};

try {
  const carryOut = createCarryOut(createAllowance({ roots: [{ path: folder }] }));
  const desk = openDesk(join(folder, 'state'), { carryOut });
  const places = {
    ...usualPlaces,
    valiases: [valiases],
    domainAliases: [],
    postfix: '/nowhere',
    virtusertable: '/nowhere',
  };
  const audited = await measure('audit', () => auditCatchAlls(places, carryOut));
  const wanted = audited
    .filter(accepts)
    .flatMap(({ file }) => (file === undefined ? [] : [{ ...file, domains: undefined }]));
  const order = { who: 'bench', why: '', until: undefined, incident: undefined };
  const done = await measure('lock', () => performAll(catchAllLock, wanted, order, desk));
  const ids = done.flatMap(({ receipt }) => receipt?.id ?? []);
  const locked = readFileSync(join(valiases, nameOf(domains - 1)), 'utf8');
  await measure('restore', () => undo(ids, 'bench', desk));
  const isWhole = Array.from({ length: domains }, (_, at) => at).every(
    (at) => readFileSync(join(valiases, nameOf(at)), 'utf8') === textOf(at),
  );
  desk.close();
  console.log(`### Catch-alls: ${describeMachine()}\n`);
  console.log(
    `${ids.length.toLocaleString('en')} domains; the last one locked: ${locked.includes(':fail:')}; all as before: ${isWhole}.\n`,
  );
  console.log(tableOf([['what', 'seconds'], ...rows]));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
