// Before the SDK loads: no news for whoever runs this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { setTimeout as sleep } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import type { LastLook, LookMode } from '../src/domain/reconciliation';
import { LabError } from '../src/lab/errors';
import { apiOptions, ask } from './fraud/api';

const { url, key, full } = apiOptions(yargs(hideBin(process.argv)))
  .scriptName('npm run reconcile --')
  .usage('$0\n\nCompares rows with workflows, and starts workflows again that were terminated, failed or lost. Asks the API, whose caller must be an admin; a worker does it.')
  .option('key', { type: 'string', describe: 'An API key of an admin; default LONGWATCH_API_KEY, else the development key of the Longwatch here' })
  .option('full', { type: 'boolean', default: false, describe: 'Every open row against the running workflows; default: what ended badly since the last look' })
  .strict()
  .help()
  .version(false)
  .parseSync();

const EVERY_MS = 1_000;

async function main(): Promise<void> {
  const mode: LookMode = full ? 'full' : 'quick';
  const path = `/v1/reconciliations/${mode}`;
  const began = Date.now();
  const { body } = await ask({ url, key }, 'POST', '/v1/reconciliations', { body: { mode } });
  process.stderr.write(`${String(body['workflowId'])} is under way`);
  for (;;) {
    await sleep(EVERY_MS);
    const { body: found } = await ask({ url, key }, 'GET', path);
    if (found['status'] !== 'running') {
      const look = found['asked'] as Parameters<typeof tell>[0] | undefined;
      if (!look) throw new LabError(`The look ended without a result: see the workflow ${String(body['workflowId'])} in the Web UI`);
      process.stderr.write('\n');
      return tell(look, Date.now() - began);
    }
    process.stderr.write('.');
  }
}

function tell({ checked, restarted, terminated, postponed }: Pick<LastLook, 'checked' | 'restarted' | 'terminated' | 'postponed'>, tookMs: number): void {
  const again = Object.entries(restarted).map(([type, count]) => `${count} ${type}`);
  process.stdout.write(
    `checked        ${checked}\nstarted again  ${again.join(', ') || 'none'}\nterminated     ${terminated}\nleft           ${postponed}${postponed > 0 ? '   (docs/alerts.md#workflows-lost)' : ''}\ntook           ${(tookMs / 1_000).toFixed(0)} s\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof LabError ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
