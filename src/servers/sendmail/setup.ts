/** Sendmail is told to ask the milter ("Sendmail Installation and Operation Guide", "X -- Mail Filter Definitions"). */
import type { Change } from '../change.ts';
import { sectionLines, withSection } from '../marked-section.ts';
import type { Endpoints } from '../wiring.ts';

const byHand = (why: string): Change => ({ kind: 'by-hand', why });

/** Options may stand anywhere in sendmail.cf; the .mc is named too, or the next build forgets them. */
export const sendmailMcLine = (milter: string): string => {
  const [host = '127.0.0.1', port = '10041'] = milter.split(':');
  return `INPUT_MAIL_FILTER(\`postern', \`S=inet:${port}@${host}, T=C:2s;S:2s;R:5s;E:30s')dnl`;
};

export const setUpSendmail = (cf: string, { milter }: Endpoints): Change => {
  const [host = '127.0.0.1', port = '10041'] = milter.split(':');
  const socket = `S=inet:${port}@${host}`;
  if (sectionLines(cf).some((line) => line.includes(socket)) || /^Xpostern,/m.test(cf)) return { kind: 'nothing' };
  const other = /^O InputMailFilters=(\S+)/m.exec(cf)?.[1];
  if (other !== undefined)
    return byHand(
      `sendmail.cf asks ${other} already: add this line to sendmail.mc and build it: ${sendmailMcLine(milter)}`,
    );
  // No F=: without an answer mail passes unfiltered.
  const lines = ['O InputMailFilters=postern', `Xpostern, ${socket}, T=C:2s;S:2s;R:5s;E:30s`];
  return { kind: 'changed', text: withSection(cf, lines, false), lines };
};
