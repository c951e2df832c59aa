/** What a mailbox holds and may hold, whoever told it. */
export type Mailbox = {
  /** As recipients are written, in lower case; without a domain where its source knows none. */
  readonly address: string;
  /** undefined: nobody counts. */
  readonly usedBytes: number | undefined;
  /** undefined: no limit. */
  readonly bytesMax: number | undefined;
  readonly messages: number | undefined;
  readonly messagesMax: number | undefined;
};

export const mailboxesMax = 200_000;

/** How large a message may be that still goes in: 0 or less is full, Infinity is no limit. */
export const roomBytesOf = ({ usedBytes = 0, bytesMax, messages = 0, messagesMax }: Mailbox): number => {
  if (messagesMax !== undefined && messages >= messagesMax) return 0;
  return bytesMax === undefined ? Infinity : bytesMax - usedBytes;
};

/** 0 to 1 and above, by whichever limit is nearer; undefined without a limit. */
export const shareUsedOf = ({ usedBytes = 0, bytesMax, messages = 0, messagesMax }: Mailbox): number | undefined => {
  const shares = [
    ...(bytesMax === undefined ? [] : [usedBytes / bytesMax]),
    ...(messagesMax === undefined ? [] : [messages / messagesMax]),
  ];
  return shares.length === 0 ? undefined : Math.max(...shares);
};
