/**
 * Listing and grouping a big queue, beside the servers' own ways, interleaved in one run. In the lab's machine, where the
 * servers stand at their stock places: `node test/run.mjs --run bench/queue/compare.ts test/ [MESSAGES] [ROUNDS]`
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { labDir } from '../../test/servers/lab/door.ts';
import { startExim } from '../../test/servers/lab/exim.ts';
import { userOf } from '../../test/servers/lab/machine.ts';
import { startPostfix } from '../../test/servers/lab/postfix.ts';
import { startSendmail } from '../../test/servers/lab/sendmail.ts';
import { startWorld } from '../../test/servers/lab/world.ts';
import { describeMachine, medianOf, tableOf } from '../machine.ts';
import { fillExim, fillPostfix, fillSendmail } from './spools.ts';

const messages = Number(process.argv[3] ?? 50_000);
const rounds = Number(process.argv[4] ?? 3);
const outputBytesMax = 512 * 1024 * 1024;
const now = Math.floor(Date.now() / 1000);

const shell = async (command: string): Promise<{ readonly out: string; readonly seconds: number }> => {
  const started = performance.now();
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { maxBuffer: outputBytesMax, cwd: '/' });
  return { out: stdout, seconds: (performance.now() - started) / 1000 };
};

type Way = { readonly name: string; readonly command: string; readonly counts: (out: string) => number };

const postern = (spool: string): Way => ({
  name: 'postern queue (9 groupings)',
  command: `${process.execPath} ${process.cwd()}/src/cli/main.ts queue --json --spool ${spool}`,
  counts: (out) => Number(/"messages": (\d+)/.exec(out)?.[1]),
});
const lastLine = (out: string): string => out.trimEnd().split('\n').at(-1) ?? '';

const results: string[][] = [];

const compare = async (server: string, ways: readonly Way[]): Promise<void> => {
  const seconds = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, command, counts } of ways) {
      const ran = await shell(command);
      if (counts(ran.out) !== messages) throw new Error(`${name} saw ${counts(ran.out)} of ${messages} messages`);
      if (round > 0) seconds.get(name)?.push(ran.seconds); // the first fills the caches for all
    }
  }
  const own = medianOf(seconds.get(ways[0]?.name ?? '') ?? []);
  for (const [name, each] of seconds)
    results.push([server, name, medianOf(each).toFixed(2), (medianOf(each) / own).toFixed(1)]);
};

await using world = await startWorld();
{
  await using postfix = await startPostfix({ mainCf: { queue_run_delay: '3600s' } });
  fillPostfix('/var/spool/postfix', messages, now, userOf('postfix'));
  const bySender = "awk '/^[0-9A-Za-z]+[*!]? +[0-9]+ /{n[$7]++; t++} END{for (s in n) print n[s], s; print t}'";
  const byAccount = "awk -F= '/sasl_username=/{n[$2]++; t++} END{for (s in n) print n[s], s; print t}'";
  console.log(`postfix at ${postfix.address}`);
  await compare('Postfix', [
    postern('/var/spool/postfix'),
    {
      name: 'postqueue -p, awk by sender',
      command: `postqueue -p | ${bySender}`,
      counts: (out) => Number(lastLine(out)),
    },
    {
      name: 'postqueue -j alone',
      command: 'postqueue -j | wc -l',
      counts: (out) => Number(out),
    },
    {
      name: 'postcat -e of all, awk by account',
      command: `find /var/spool/postfix/deferred -type f | xargs postcat -e | ${byAccount}`,
      counts: (out) => Number(lastLine(out)),
    },
    { name: 'qshape -s', command: 'qshape -s deferred', counts: (out) => Number(/TOTAL\s+(\d+)/.exec(out)?.[1]) },
  ]);
}
{
  const exim = await startExim();
  await exim.stop(); // its configuration stays, and nobody runs the queue
  fillExim('/var/spool/exim4', messages, now, userOf('Debian-exim'));
  await compare('Exim', [
    postern('/var/spool/exim4'),
    {
      name: 'exim -bp, exiqsumm',
      command: `${exim.program} -bp | perl ${labDir()}/exim4/usr/sbin/exiqsumm`,
      counts: (out) => Number(/^\s*(\d+)\s.*TOTAL/m.exec(out)?.[1]),
    },
    {
      name: 'exipick, awk by account',
      command: `perl ${labDir()}/exim4/usr/sbin/exipick --spool /var/spool/exim4 -bpr --show-vars authenticated_id | awk -F"'" '/authenticated_id/{n[$2]++; t++} END{for (s in n) print n[s], s; print t}'`,
      counts: (out) => Number(lastLine(out)),
    },
    {
      name: 'exim -bpr, awk by sender',
      command: `${exim.program} -bpr | awk 'NF>=4 && $3 ~ /-/{n[$4]++; t++} END{for (s in n) print n[s], s; print t}'`,
      counts: (out) => Number(lastLine(out)),
    },
  ]);
}
{
  const sendmail = await startSendmail();
  await sendmail.stop();
  fillSendmail('/var/spool/mqueue', messages, now, userOf('root'));
  await compare('Sendmail', [
    postern('/var/spool/mqueue'),
    {
      name: 'mailq, awk by sender',
      command: `${sendmail.program} -bp | awk '/^6AL4/{n[$NF]++; t++} END{for (s in n) print n[s], s; print t}'`,
      counts: (out) => Number(lastLine(out)),
    },
  ]);
}

console.log(
  `(${world.sink.messages.length} went out)\n### Queue: ${describeMachine()}\n\n${messages} messages in each queue, medians of ${rounds} rounds.\n`,
);
console.log(tableOf([['server', 'way', 'seconds', 'times postern'], ...results]));
