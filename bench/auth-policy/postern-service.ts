/** Our authentication policy service with the judge. `postern-service.ts PORT` */
import { createMemory } from '../../src/judge/memory.ts';
import { defaultJudgeSettings } from '../../src/judge/settings.ts';
import { createAsk } from '../../src/judge/verdict.ts';
import { startAuthPolicy } from '../../src/sense/hooks/auth-policy.ts';

const { table } = createMemory(new SharedArrayBuffer(64 * 1024 * 1024), 7);
await startAuthPolicy({
  listen: { host: '127.0.0.1', port: Number(process.argv[2]) },
  ask: createAsk(table, defaultJudgeSettings),
  tell: () => undefined,
  complain: (error) => console.error(error),
});
