/**
 * Which log a file is and where its columns stand, by its head (`#Log-type:`, `#Fields:`): the versions add columns and
 * put them elsewhere (message tracking of 2010 has no network-message-id). A log that is followed from its middle has no
 * head, and is known by its shape.
 */
export type Kind = 'smtp' | 'mailbox' | 'tracking' | 'other';

const layouts: readonly (readonly [Kind, needed: string, names: readonly string[]])[] = [
  [
    'smtp',
    'remote-endpoint',
    'date-time connector-id session-id sequence-number local-endpoint remote-endpoint event data context'.split(' '),
  ],
  [
    'mailbox',
    'cip',
    'datetime sessionid seqnumber sip cip user duration rqsize rpsize command parameters context'.split(' '),
  ],
  [
    'tracking',
    'event-id',
    [
      'date-time client-ip client-hostname server-ip server-hostname source-context connector-id source event-id',
      'internal-message-id message-id network-message-id recipient-address recipient-status total-bytes recipient-count',
      'related-recipient-address reference message-subject sender-address return-path message-info directionality',
      'tenant-id original-client-ip',
    ]
      .join(' ')
      .split(' '),
  ],
];
const columnsMax = 40;

export type Head = {
  /** undefined: no head seen. */
  kind: Kind | undefined;
  /** Which column of the file each of ours is, -1 for none; undefined: they stand in our order. */
  order: readonly number[] | undefined;
  /** What a Send connector or an old mailbox log writes tells nothing of clients. */
  isForeign: boolean;
};
export const newHead = (): Head => ({ kind: undefined, order: undefined, isForeign: false });

const heads = ['#Software: Microsoft Exchange', '#Version: ', '#Log-', '#Date: ', '#Fields: '];
const bom = '\xef\xbb\xbf';

export const withoutBom = (line: string): string => (line.startsWith(bom) ? line.slice(bom.length) : line);

/** Takes in a line of the head. False when it is none. */
export const readHead = (head: Head, line: string): boolean => {
  if (line.charCodeAt(0) !== 35 || !heads.some((start) => line.startsWith(start))) return false;
  if (line.startsWith('#Software: ')) Object.assign(head, newHead());
  if (line.startsWith('#Log-type: ')) head.isForeign = /SMTP Send/i.test(line);
  if (!line.startsWith('#Fields: ')) return true;
  const names = line.slice('#Fields: '.length).trim().toLowerCase().split(',', columnsMax);
  const layout = layouts.find(([, needed]) => names.includes(needed));
  head.kind = layout?.[0] ?? 'other';
  const order = layout?.[2].map((name) => names.indexOf(name));
  head.order = order?.every((column, at) => column === at) === true ? undefined : order;
  return true;
};

/** The fields in our order. */
export const inOrder = ({ order }: Head, fields: readonly string[]): readonly string[] =>
  order === undefined ? fields : order.map((column) => fields[column] ?? '');

/** 2010's message tracking, told by where the recipients stand: there is no GUID before them. */
export const withNetworkId = (fields: readonly string[]): readonly string[] =>
  fields[11]?.includes('@') === true ? [...fields.slice(0, 11), '', ...fields.slice(11)] : fields;

/** Where Windows takes the local port of a connection that the server itself opens: of a Send connector. No client chooses it. */
const ephemeralFrom = 49_152;
export const isOutgoing = (localEndpoint: string): boolean =>
  Number(localEndpoint.slice(localEndpoint.lastIndexOf(':') + 1)) >= ephemeralFrom;
