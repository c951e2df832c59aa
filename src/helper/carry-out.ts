/** The verbs, carried out in this process, which must be root for most of them. */
import { Fault } from '../model/fault.ts';
import type { CarryOut, Verb, VerbAnswer } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { readFile, replaceFile } from './file.ts';
import { runProgram } from './run-program.ts';

const carry = async (verb: Verb, allowance: Allowance): Promise<VerbAnswer<Verb>> => {
  switch (verb.verb) {
    case 'read-file':
      return readFile(verb.path, allowance);
    case 'replace-file':
      replaceFile(verb, allowance);
      return undefined;
    case 'run':
      return runProgram(verb, allowance);
  }
};

export const createCarryOut =
  (allowance: Allowance): CarryOut =>
  async <V extends Verb>(verb: V): Promise<VerbAnswer<V>> => {
    try {
      // One function answers every verb; which answer belongs to which verb is the table in `carry`.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return (await carry(verb, allowance)) as VerbAnswer<V>;
    } catch (error) {
      if (error instanceof Fault) throw error;
      const what = verb.verb === 'run' ? verb.program : verb.path;
      throw new Fault(
        'PARTLY_DONE',
        `${verb.verb} ${what}: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
  };
