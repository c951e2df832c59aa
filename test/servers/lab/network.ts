/** Who lives where on the lab's internet. Every other address is free to be a client (RFC 5737, RFC 3849). */
import { existsSync } from 'node:fs';

export const hosts = {
  postfix: '192.0.2.25',
  postscreen: '192.0.2.24',
  exim: '192.0.2.26',
  sendmail: '192.0.2.27',
  dovecot: '192.0.2.40',
  postfix6: '2001:db8:25::25',
  exim6: '2001:db8:25::26',
  sendmail6: '2001:db8:25::27',
  /** The sink: receives all mail to the rest of the world. */
  internet: '192.0.2.99',
  /** A plain server on an SMTP library. */
  library: '192.0.2.28',
  /** A name server of its own (NSD), for tests that ask it. */
  names: '192.0.2.53',
  /** Nobody listens here. */
  nobody: '192.0.2.98',
} as const;

/** Containers are often made without IPv6. */
export const hasIPv6 = existsSync('/proc/sys/net/ipv6');

/** Clients in this network have no PTR record, all others in IPv4 have one. */
export const networkWithoutName = '198.51.100.';
/** Clients in this network have a PTR record that points to a name of somebody else. */
export const networkWithForgedName = '198.18.0.';
/** This client has a name of more than a hundred characters. */
export const clientWithLongName = '203.0.113.156';
