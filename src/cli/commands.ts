/** Every command, one row each. */
import { Fault } from '../model/fault.ts';
import { acceptCommand } from './accept.ts';
import { lockCommand, unlockCommand } from './account.ts';
import { actionsCommand } from './actions.ts';
import { analyzeCommand } from './analyze.ts';
import { allowCommand, blockCommand, unblockCommand } from './block.ts';
import { catchallCommand } from './catchall.ts';
import { checkCommand } from './check.ts';
import type { Command, CommandGroup } from './command.ts';
import { complainCommand } from './complain.ts';
import { configCommand } from './config.ts';
import { evidenceCommand } from './evidence.ts';
import { explainCommand } from './explain.ts';
import { helperCommand } from './root-helper.ts';
import { gateCommand } from './gate.ts';
import { completions } from './help.ts';
import { importCommand } from './import.ts';
import { incidentCommand, incidentsCommand } from './incidents.ts';
import { forwardsCommand } from './forwards.ts';
import { purgeCommand, releaseCommand } from './incident-mail.ts';
import { noticesCommand } from './notices.ts';
import { parseCommand } from './parse.ts';
import { queueCommand } from './queue.ts';
import { calmCommand, panicCommand } from './panic.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { quotaCommand } from './quota.ts';
import { remainsCommand } from './remains.ts';
import { runCommand } from './run.ts';
import { sessionCommand } from './session.ts';
import { setupCommand } from './setup.ts';
import { standingCommand } from './standing.ts';
import { statusCommand } from './status.ts';
import { undoCommand } from './undo.ts';

const completionCommand: Command = {
  name: 'completion',
  usage: 'postern completion bash|zsh|fish',
  summary: 'Shell completion.',
  options: [],
  examples: ['postern completion bash > /etc/bash_completion.d/postern'],
  operandsMin: 1,
  operandsMax: 1,
  run: async ({ operands: [shell = ''] }) => {
    const print = completions.get(shell);
    if (print === undefined)
      throw new Fault('USAGE', `postern completion ${shell}: expected ${[...completions.keys()].join(', ')}`);
    process.stdout.write(`${print(commands)}\n`);
    return Promise.resolve(0);
  },
};

/** By what somebody wants who is in a hurry. */
export const groups: readonly CommandGroup[] = [
  {
    title: 'What is going on?',
    commands: [
      statusCommand,
      incidentsCommand,
      incidentCommand,
      analyzeCommand,
      explainCommand,
      standingCommand,
      queueCommand,
      sessionCommand,
      remainsCommand,
      forwardsCommand,
      parseCommand,
    ],
  },
  {
    title: 'Stop it',
    commands: [acceptCommand, blockCommand, lockCommand, catchallCommand, panicCommand, purgeCommand, complainCommand],
  },
  {
    title: 'Take it back',
    commands: [
      actionsCommand,
      undoCommand,
      allowCommand,
      unblockCommand,
      unlockCommand,
      releaseCommand,
      evidenceCommand,
      calmCommand,
      pauseCommand,
      resumeCommand,
    ],
  },
  {
    title: 'Set up and prove',
    commands: [
      runCommand,
      setupCommand,
      checkCommand,
      gateCommand,
      quotaCommand,
      noticesCommand,
      configCommand,
      importCommand,
      helperCommand,
      completionCommand,
    ],
  },
];

export const commands: readonly Command[] = groups.flatMap((group) => group.commands);
