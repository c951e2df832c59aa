/** `check`: is the server really asking, at each stage, and what could an outsider do there? */
import { readFileSync } from 'node:fs';
import { checkService } from '../guard/check/check.ts';
import type { Checked } from '../guard/check/check.ts';
import type { Finding } from '../guard/check/finding.ts';
import { heardFile, loggedFile } from '../guard/check/heard.ts';
import { serverNames } from '../guard/check/asked-at.ts';
import type { CheckedServer } from '../guard/check/asked-at.ts';
import { addressToComeFrom, dialledHost, readWiring } from '../guard/check/machine.ts';
import { keyOfGuard } from '../guard/check/probe.ts';
import type { Login } from '../guard/check/smtp.ts';
import type { Prober } from '../guard/check/stages.ts';
import { readConfig } from '../guard/config.ts';
import { readKept } from '../guard/proving/place.ts';
import type { Kept } from '../guard/proving/place.ts';
import { carryOutHere } from '../guard/desk.ts';
import { endpointsOf } from '../guard/endpoints.ts';
import { hostAndPort } from '../guard/setting.ts';
import type { Values } from '../guard/settings.ts';
import { Fault } from '../model/fault.ts';
import type { Service, Wiring } from '../servers/wiring.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { asDocument, asksLine, isGuardThere, stateMarks } from './asks.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, stateOf } from './desk.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** @throws Fault GUARD_NOT_REACHABLE */
const requireGuard = async (values: Values, state: string): Promise<void> => {
  if (await isGuardThere(values, state)) return;
  throw new Fault(
    'GUARD_NOT_REACHABLE',
    `no guard runs on ${state}: start it (postern run), or name its state or configuration (--state, --config)`,
  );
};

/** One place to dial, and what is known of it. */
type Place = { readonly host: string; readonly port: number } & Checked;

/** What a server lacks as a whole is told with its first service. */
const placesOf = (wiring: Wiring): readonly Place[] =>
  wiring.services.map((service, at) => ({
    host: dialledHost(service),
    port: service.port,
    service,
    wiring: at === 0 ? wiring : { ...wiring, lacks: [] },
  }));

const isServer = (text: string): text is CheckedServer => serverNames.some((name) => name === text);

/** Of a `HOST:PORT`: the service of this machine that listens just there, or nothing is known of it. */
const knownAt = (host: string, port: number, wirings: readonly Wiring[]): Checked => {
  const fits = (service: Service): boolean => service.port === port && (service.host ?? host) === host;
  const exact = (service: Service): boolean => service.port === port && service.host === host;
  for (const test of [exact, fits])
    for (const wiring of wirings) {
      const service = wiring.services.find(test);
      if (service !== undefined) return { service, wiring };
    }
  return { service: undefined, wiring: undefined };
};

/** @throws Fault USAGE */
const chosenPlaces = (call: Call, wirings: readonly Wiring[]): readonly Place[] => {
  const wanted = call.operands.length > 0 ? call.operands : wirings.map(({ server }) => server);
  const places = wanted.flatMap((text): readonly Place[] => {
    const at = hostAndPort(text);
    if (at !== undefined) return [{ ...at, ...knownAt(at.host, at.port, wirings) }];
    if (!isServer(text))
      throw new Fault('USAGE', `${plain(text)}: expected HOST:PORT or one of ${serverNames.join(', ')}`);
    const wiring = wirings.find(({ server }) => server === text);
    if (wiring === undefined) throw new Fault('INPUT_UNREADABLE', `no ${text} whose configuration can be read is here`);
    return placesOf(wiring);
  });
  if (places.length === 0)
    throw new Fault('USAGE', 'no mail server whose configuration can be read is here: name one as HOST:PORT');
  return places;
};

type Result = {
  readonly target: string;
  readonly server: string | undefined;
  readonly version: string | undefined;
  readonly service: string | undefined;
  readonly from: string | undefined;
  readonly findings: readonly Finding[];
};

/** Where only who logs in may send (RFC 6409). */
const submissionPorts: ReadonlySet<number> = new Set([465, 587, 2465, 2587]);

/** @throws Fault when one of the two is missing */
const loginOf = ({ options }: Call): Login | undefined => {
  const [account, file] = [options.get('account'), options.get('password-file')];
  if (account === undefined && file === undefined) return undefined;
  if (account === undefined || file === undefined)
    throw new Fault('USAGE', '--account and --password-file belong together');
  try {
    return { account, password: readFileSync(file, 'latin1').split('\n')[0] ?? '' };
  } catch {
    throw new Fault('INPUT_UNREADABLE', `cannot read ${file}`);
  }
};

const checkPlace = async (call: Call, place: Place, prober: Omit<Prober, 'target'>): Promise<Result> => {
  const { host, port, service, wiring } = place;
  const from = call.options.get('from') ?? (wiring === undefined ? undefined : addressToComeFrom(wiring));
  const recipient = call.options.get('recipient') ?? wiring?.postmaster ?? 'postmaster';
  const login = submissionPorts.has(port) ? loginOf(call) : undefined;
  const target = { host, port, from, recipient, ...(login === undefined ? {} : { login }) };
  return {
    target: `${host}:${port}`,
    server: wiring?.server,
    version: wiring?.version,
    service: service?.name,
    from,
    findings: await checkService({ ...prober, target }, { service, wiring }),
  };
};

/** As long as the longest: readsocket-END-OF-MESSAGE. */
const idWidth = 25;

/** A check takes its time: each place is told when it is done. */
const tellPlace = ({ target, server, version, service, from, findings }: Result): void => {
  const known = server === undefined ? '' : `${server} ${version ?? ''} ${service ?? ''}, `;
  print(plain(`${known}${target}${from === undefined ? '' : `, from ${from}`}`));
  const { folded } = styleFor(process.stdout, process.env);
  for (const { id, state, words } of findings)
    for (const line of folded(`  ${stateMarks[state]} ${id.padEnd(idWidth)} ${plain(words)}`, idWidth + 5)) print(line);
};

const tellAll = (call: Call, results: readonly Result[], kept: readonly Kept[]): number => {
  const all = results.flatMap(({ findings }) => findings);
  const count = (state: Finding['state']): number => all.filter((finding) => finding.state === state).length;
  if (call.options.has('json')) print(anyJson({ version: 2, checked: results, guard: kept.map(asDocument) }));
  else {
    if (kept.length > 0) print('seen by the guard itself');
    for (const place of kept) print(`  ${asksLine(place, Date.now())}`);
    print(`${count('proven')} of ${all.length} proven, ${count('wrong')} wrong, ${count('not-proven')} not proven.`);
  }
  return count('proven') === all.length ? 0 : 5;
};

const run = async (call: Call): Promise<number> => {
  const { values } = readConfig(call.options.get('config'));
  const state = stateOf(call, values);
  await requireGuard(values, state);
  const carryOut = carryOutHere(values, state);
  const endpoints = endpointsOf(values, state);
  const wirings: Wiring[] = [];
  for (const server of serverNames) {
    const wiring = await readWiring(server, endpoints, carryOut);
    if (wiring !== undefined) wirings.push(wiring);
  }
  const places = chosenPlaces(call, wirings);
  const prober = { key: keyOfGuard(state), heardFile: heardFile(state), loggedFile: loggedFile(state) };
  const results: Result[] = [];
  for (const place of places) {
    const result = await checkPlace(call, place, prober);
    if (!call.options.has('json')) tellPlace(result);
    results.push(result);
  }
  return tellAll(call, results, readKept(state));
};

export const checkCommand: Command = {
  name: 'check',
  usage: 'postern check [postfix|exim|sendmail|dovecot|HOST:PORT…]',
  summary:
    'Is the server really asking, at each stage, and does it obey? Does mail flow without an answer? And what could an outsider do there?',
  options: [
    {
      name: 'from',
      value: 'ADDRESS',
      sentence: 'Come from this address of this machine: one that the server does not exempt.',
    },
    {
      name: 'recipient',
      value: 'ADDRESS',
      sentence: 'A recipient that exists; the postmaster of the server (default).',
    },
    { name: 'account', value: 'NAME', sentence: 'Who logs in at a submission port, where nobody else may send.' },
    { name: 'password-file', value: 'FILE', sentence: 'Its first line is the password of that account.' },
    jsonOption,
    ...deskOptions,
  ],
  examples: [
    'postern check',
    'postern check dovecot',
    'postern check 192.0.2.25:25 --from 192.0.2.25 --recipient postmaster@example.org',
  ],
  operandsMin: 0,
  operandsMax: 20,
  run,
};
