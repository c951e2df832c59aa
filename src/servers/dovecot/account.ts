/**
 * What Dovecot's own commands say of an account: doveadm-who(1) its open sessions, doveadm-user(1) its home, `doveconf -n` the
 * password files. Output of a program, as latin1 text.
 */

export type Session = { readonly protocol: string; readonly count: number; readonly clients: readonly string[] };

/** `alice@lab.test  1 imap  (123 124)  (203.0.113.9)`, below a line of titles. */
export const sessionsIn = (text: string): readonly Session[] =>
  text.split('\n').flatMap((line) => {
    const [, count, protocol = '', clients = ''] =
      /^\S+ +(\d{1,9}) +(\S{1,20}) +\([\d ]*\) +\(([^)]*)\)/.exec(line) ?? [];
    if (count === undefined) return [];
    return [{ protocol, count: Number(count), clients: clients.split(' ').filter((word) => word !== '') }];
  });

/** `home  /var/spool/vmail/lab.test/alice`, a field a line. */
export const homeIn = (text: string): string | undefined => /^home[\t ]+(\/\S*)$/m.exec(text)?.[1];

/** The files of `passdb { driver = passwd-file, args = … /path }`; what an account is denied by is no password. */
export const passwordFilesIn = (text: string): readonly string[] => {
  const blocks = [...text.matchAll(/^passdb \{\n([^}]*)\n?\}/gm)].map(([, block = '']) => block);
  return blocks
    .filter((block) => /driver = passwd-file/.test(block) && !/deny = yes/.test(block))
    .flatMap((block) => /args = (?:.* )?(\/\S+)/.exec(block)?.[1] ?? []);
};
