/** From configuration values to what the gate wants, for each of its listeners. Plain data, handed to the listener threads. */
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureCertificate, madeFiles } from '../sense/gate/certificate.ts';
import type { TlsFiles } from '../sense/gate/certificate.ts';
import type { BackendSettings } from '../sense/gate/dial.ts';
import type { GateSettings } from '../sense/gate/gate.ts';
import type { GateLimits } from '../sense/gate/limits.ts';
import { allowanceOf, besideAt, listOf, resolverAt } from './gate-options.ts';
import type { OriginSettings } from '../sense/gate/origin.ts';
import { ensureKeys } from '../sense/gate/signature.ts';
import { hostAndPort } from './setting.ts';
import type { Values } from './settings.ts';

export type GateName = 'gate' | 'submission' | 'submissions';
export const isGate = (name: string): name is GateName =>
  name === 'gate' || name === 'submission' || name === 'submissions';

export type GateChoice = Readonly<Record<GateName, GateSettings>>;

const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

const limitsOf = (values: Values): GateLimits => {
  const limit = (name: keyof GateLimits): number => Number(values.get(`gate.limits.${name}`));
  return {
    connectionsPerMinute: limit('connectionsPerMinute'),
    connectionsAtOnce: limit('connectionsAtOnce'),
    connectionsPerMinuteOfNetwork: limit('connectionsPerMinuteOfNetwork'),
    connectionsAtOnceOfNetwork: limit('connectionsAtOnceOfNetwork'),
    messagesPerConnection: limit('messagesPerConnection'),
    recipientsPerMessage: limit('recipientsPerMessage'),
    errorsPerConnection: limit('errorsPerConnection'),
    idleCommandsPerConnection: limit('idleCommandsPerConnection'),
    unknownBeforeDelay: limit('unknownBeforeDelay'),
    headerBytesPerMessage: limit('headerBytesPerMessage'),
    lineBytesPerMessage: limit('lineBytesPerMessage'),
    hopsPerMessage: limit('hopsPerMessage'),
  };
};

/** Who runs the guard; the user of a container may have a number alone. */
const ownNames = (): readonly string[] => {
  try {
    return [userInfo().username];
  } catch {
    return [];
  }
};

/** The store's own names: who runs the guard, and who every mail server must have (RFC 5321 §4.5.1). */
const mailboxesOf = (values: Values): ReadonlySet<string> =>
  new Set(['postmaster', ...ownNames(), ...textsOf(values.get('gate.mailboxes'))].map((name) => name.toLowerCase()));

const tlsOf = (values: Values, state: string, name: string): TlsFiles => {
  const [key, cert] = [values.get('gate.key'), values.get('gate.certificate')];
  if (typeof key === 'string' && typeof cert === 'string' && key !== '' && cert !== '')
    return { key: resolve(key), cert: resolve(cert) };
  ensureCertificate(state, name);
  return madeFiles(state);
};

/** What is asked of the DNS about strangers. */
const originOf = (values: Values): OriginSettings | undefined => {
  const known = <T>(parse: (text: unknown) => T | undefined, key: string): readonly T[] =>
    textsOf(values.get(key)).flatMap((text) => parse(text) ?? []);
  const checksSender = values.get('gate.senderDomains') === 'on';
  const lists = known(listOf, 'gate.lists');
  if (!checksSender && lists.length === 0) return undefined;
  return {
    checksSender,
    lists,
    refuseFrom: Number(values.get('gate.listsFrom')),
    servers: known(resolverAt, 'gate.resolvers'),
    perMinuteMax: Number(values.get('gate.lookupsPerMinute')),
  };
};

/** How a server behind the gate is spoken to, whichever it is. */
const towardsServer = (values: Values): Pick<BackendSettings, 'passClient' | 'replyMsMax'> => {
  const pass = values.get('gate.passClient');
  return {
    passClient: pass === 'proxy' || pass === 'received' ? pass : 'auto',
    replyMsMax: Number(values.get('gate.backendSeconds')) * 1000,
  };
};

type Beside = { readonly listen: { readonly host: string; readonly port: number }; readonly gate: GateSettings };

/** The other places where a gate listens. */
export const gatesBeside = (values: Values, gates: GateChoice, name: GateName): readonly Beside[] =>
  textsOf(values.get(`${name}.also`)).flatMap((text) => {
    const beside = besideAt(text);
    if (beside === undefined) return [];
    const { listen, backend } = beside;
    if (backend === undefined) return [{ listen, gate: gates[name] }];
    const protect = textsOf(values.get('gate.protect'));
    const gate = {
      ...gates[name],
      backend: { ...backend, ...towardsServer(values) },
      domains: protect.length === 0 ? undefined : protect,
      requiresAuth: name !== 'gate',
    };
    return [{ listen, gate }];
  });

/** Makes a certificate when none is there. @param state the state directory */
export const gateChoice = (values: Values, state: string): GateChoice => {
  const name = values.get('gate.name') === 'host name' ? hostname() : String(values.get('gate.name'));
  const protect = textsOf(values.get('gate.protect'));
  const backend = hostAndPort(values.get('gate.backend'));
  const storeDomains = new Set(['localhost', name, ...protect].map((domain) => domain.toLowerCase()));
  const towards = towardsServer(values);
  const signing = values.get('gate.bounceSigning');
  const submissionBackend = hostAndPort(values.get('submission.backend'));
  const gate: GateSettings = {
    name,
    backend:
      backend === undefined
        ? {
            directory: join(state, 'store'),
            domains: storeDomains,
            mailboxes: mailboxesOf(values),
            messageBytesMax: Number(values.get('gate.messageBytesMax')),
            mailboxBytesMax: Number(values.get('gate.mailboxMiB')) * 1024 ** 2,
            defersOverQuota: values.get('quota.reply') === 'defer',
          }
        : { ...backend, ...towards },
    domains: backend === undefined ? [...storeDomains] : protect.length === 0 ? undefined : protect,
    tls: tlsOf(values, state, name),
    implicitTls: false,
    requiresAuth: false,
    proxied: values.get('gate.proxied') === 'on',
    limits: limitsOf(values),
    allowances: textsOf(values.get('gate.allowances')).flatMap((text) => allowanceOf(text) ?? []),
    relayFrom: textsOf(values.get('gate.relayFrom')),
    disabled: textsOf(values.get('gate.disabledCommands')),
    neverLogin: textsOf(values.get('gate.neverLogin')),
    greetPauseMs: Number(values.get('gate.greetPauseMs')),
    origin: originOf(values),
    signature:
      signing === 'off' ? undefined : { keys: ensureKeys(state), domains: protect, enforce: signing === 'enforce' },
    patience: {
      commandMsMax: Number(values.get('gate.commandSeconds')) * 1000,
      messageMsMax: Number(values.get('gate.messageSeconds')) * 1000,
    },
    heldConnectionsMax: Number(values.get('gate.heldConnections')),
  };
  // Who submits mail waits for nothing; the embedded store knows no accounts, so it asks for none.
  const submission: GateSettings = {
    ...gate,
    backend: submissionBackend === undefined ? gate.backend : { ...submissionBackend, ...towards },
    greetPauseMs: 0,
    requiresAuth: backend !== undefined || submissionBackend !== undefined,
  };
  return { gate, submission, submissions: { ...submission, implicitTls: true } };
};
