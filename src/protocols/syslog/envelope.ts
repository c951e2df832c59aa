/**
 * What stands around a log line that came by another way: the json-file driver, `docker logs -t` and `docker compose logs`
 * (docs.docker.com, "Logging"), the CRI format of Kubernetes (kubelet), and the octet count of syslog over TCP (RFC 6587
 * §3.4.1). Read from the left end only, and only where the line is no log line by itself.
 */
const stampPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) (?:(?:stdout|stderr) [FP] )?/;
/** A header of a refused message that a log repeats begins with a blank or a capital: it is no service of compose. */
const servicePattern = /^[a-z0-9][a-z0-9_.-]{0,62} +\| /;
const countPattern = /^\d{1,6} (?=<\d{1,3}>)/;

const logIn = (line: string): string | undefined => {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record !== 'object' || record === null || !('log' in record) || typeof record.log !== 'string')
      return undefined;
    const [text = ''] = record.log.split('\n', 1);
    return Buffer.from(text, 'latin1').toString('latin1');
  } catch {
    return undefined;
  }
};

/** The line inside, or undefined when this is no such envelope. */
export const innerOf = (line: string): string | undefined => {
  if (line.startsWith('{"log":"') && line.endsWith('}')) return logIn(line);
  for (const pattern of [stampPattern, servicePattern, countPattern]) {
    const found = pattern.exec(line.slice(0, 120));
    if (found !== null) return line.slice(found[0].length);
  }
  return undefined;
};
