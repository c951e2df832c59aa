/** Postfix: what `postconf -x` and `postconf -M` say of the policy service and the milter (postconf(5), master(5)). */
import { names, readAssignments, unset } from '../wiring.ts';
import type { Endpoints, HookKind, Lack, Service, Wired, WiredStage, Wiring } from '../wiring.ts';

const restrictions = new Map<string, WiredStage>([
  ['smtpd_client_restrictions', 'connect'],
  ['smtpd_helo_restrictions', 'helo'],
  ['smtpd_sender_restrictions', 'sender'],
  ['smtpd_relay_restrictions', 'recipient'],
  ['smtpd_recipient_restrictions', 'recipient'],
  ['smtpd_data_restrictions', 'data'],
  ['smtpd_end_of_data_restrictions', 'message'],
  ['smtpd_etrn_restrictions', 'etrn'],
]);
/** With smtpd_delay_reject = yes, these are all answered at RCPT. */
const delayedStages: readonly WiredStage[] = ['connect', 'helo', 'sender'];
const milterStages: readonly WiredStage[] = ['connect', 'helo', 'sender', 'recipient', 'data', 'message', 'quit'];

const rateLimits = ['smtpd_client_connection_rate_limit', 'smtpd_client_auth_rate_limit'];

/** What `wiringOf` needs to be told of. */
export const wiringParameters: readonly string[] = [
  'mail_version',
  'myhostname',
  'inet_interfaces',
  'mynetworks',
  'smtpd_delay_reject',
  'smtpd_milters',
  'local_recipient_maps',
  'relay_domains',
  'relay_recipient_maps',
  'smtpd_hard_error_limit',
  ...rateLimits,
  ...restrictions.keys(),
];

const policyStages = (
  valueOf: (parameter: string) => string,
  endpoint: string,
): ReadonlyMap<WiredStage, Wired> | undefined => {
  const own = new Map<WiredStage, Wired>();
  for (const [parameter, stage] of restrictions)
    if (names(valueOf(parameter), `inet:${endpoint}`)) own.set(stage, 'configured');
  if (own.size === 0) return undefined;
  if (
    valueOf('smtpd_delay_reject') !== 'no' &&
    [...delayedStages, 'recipient' as const].some((stage) => own.has(stage))
  ) {
    for (const stage of delayedStages) own.set(stage, 'with-recipient');
    own.set('recipient', 'configured');
  }
  return own;
};

const portOf = new Map([
  ['smtp', 25],
  ['submission', 587],
  ['smtps', 465],
  ['submissions', 465],
]);

type MasterEntry = { readonly place: string; readonly settings: ReadonlyMap<string, string> };

/**
 * `192.0.2.25:25 inet n - n - - smtpd …`; other entries are none of ours. An smtpd of type `pass` has no place of its own: it
 * is handed the connections of postscreen(8).
 * @param screened the places of postscreen
 */
const readMasterLine = (
  line: string,
  overrides: ReadonlyMap<string, string>,
  screened: readonly string[],
): readonly MasterEntry[] => {
  const [place = '', type = '', , , , , , command = ''] = line.trim().split(/\s+/);
  if (command !== 'smtpd' || (type !== 'inet' && type !== 'pass')) return [];
  const prefix = `${place}/${type}/`;
  const settings = new Map(
    [...overrides]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value] as const),
  );
  return (type === 'pass' ? screened : [place]).map((dialled) => ({ place: dialled, settings }));
};

const postscreenPlaces = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => {
    const [place = '', type = '', , , , , , command = ''] = line.trim().split(/\s+/);
    return command === 'postscreen' && type === 'inet' ? [place] : [];
  });

const serviceOf = (
  { place, settings }: MasterEntry,
  parameters: ReadonlyMap<string, string>,
  endpoints: Endpoints,
): Service | undefined => {
  const colon = place.lastIndexOf(':');
  const portName = place.slice(colon + 1);
  const port = portOf.get(portName) ?? Number(portName);
  if (!Number.isInteger(port)) return undefined;
  const valueOf = (parameter: string): string => settings.get(parameter) ?? parameters.get(parameter) ?? '';
  const hooks = new Map<HookKind, ReadonlyMap<WiredStage, Wired>>();
  const policy = policyStages(valueOf, endpoints.policy);
  if (policy !== undefined) hooks.set('policy', policy);
  if (names(valueOf('smtpd_milters'), `inet:${endpoints.milter}`))
    hooks.set('milter', new Map(milterStages.map((stage) => [stage, 'configured'])));
  const interfaces = (parameters.get('inet_interfaces') ?? 'all').split(/[\s,]+/);
  const all = interfaces.includes('all') || interfaces.includes('loopback-only') ? undefined : interfaces[0];
  const host = colon < 0 ? all : place.slice(0, colon).replace(/^\[|\]$/g, '');
  return { name: portName, host, port, hooks };
};

const lacksOf = (parameters: ReadonlyMap<string, string>): readonly Lack[] => {
  const valueOf = (parameter: string): string => parameters.get(parameter) ?? '';
  const validation = [
    ...(parameters.get('local_recipient_maps') === '' ? ['local_recipient_maps is empty'] : []),
    ...(valueOf('relay_domains') !== '' && valueOf('relay_recipient_maps') === ''
      ? ['relay_domains without relay_recipient_maps']
      : []),
  ];
  return [
    ...unset(
      'limits',
      rateLimits.filter((name) => valueOf(name) === '0'),
    ),
    ...(validation.length === 0
      ? []
      : [{ id: 'recipient-validation', words: `mail for names that do not exist is taken: ${validation.join('; ')}` }]),
  ];
};

/**
 * @param parametersText what `postconf -x` prints of `wiringParameters`
 * @param masterText what `postconf -M` prints
 * @param overridesText what `postconf -P` prints: `smtp/inet/name = value`
 */
export const postfixWiring = (
  parametersText: string,
  masterText: string,
  overridesText: string,
  endpoints: Endpoints,
): Wiring => {
  const parameters = readAssignments(parametersText);
  const overrides = readAssignments(overridesText);
  const lines = masterText.split('\n');
  const screened = postscreenPlaces(lines);
  return {
    server: 'postfix',
    version: parameters.get('mail_version') ?? '',
    // Without a domain it passes smtpd(8) before any restriction.
    postmaster: `postmaster@${parameters.get('myhostname') ?? 'localhost'}`,
    services: lines
      .flatMap((line) => readMasterLine(line, overrides, screened))
      .flatMap((entry) => serviceOf(entry, parameters, endpoints) ?? []),
    exempt: (parameters.get('mynetworks') ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    lacks: lacksOf(parameters),
  };
};
