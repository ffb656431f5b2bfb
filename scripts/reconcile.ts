import { setTimeout as sleep } from 'node:timers/promises';
import type { ReconciliationMode, ReconciliationCounts } from '../src/domain/platform/reconciliation';
import { LabError } from '../src/lab/errors';
import { ConfigError } from '../src/config';
import { runScript } from './commandLine';
import { apiOptions, ask } from './fraud/api';

/** Interval of the progress requests. */
const EVERY_MS = 500;
interface Asked {
  url: string | undefined;
  key: string | undefined;
  full: boolean;
}

interface Found {
  status: 'running' | 'ended' | 'none';
  progress?: ReconciliationCounts;
  asked?: ReconciliationCounts;
}

/** Starts a reconciliation, prints its progress and then its result. */
async function reconcile({ url, key, full }: Asked): Promise<void> {
  const mode: ReconciliationMode = full ? 'full' : 'quick';
  const find = async () => (await ask({ url, key }, 'GET', `/v1/reconciliations/${mode}`)).body as unknown as Found;
  const began = Date.now();
  const { body } = await ask({ url, key }, 'POST', '/v1/reconciliations', { body: { mode } });
  const workflowId = String(body['workflowId']);
  process.stderr.write(`${workflowId} is running on a worker\n`);
  for (let told = ''; ;) {
    await sleep(EVERY_MS);
    const { status, progress, asked } = await find();
    if (status !== 'running') {
      if (!asked)
        throw new LabError(
          `The reconciliation ended without a result: open the workflow ${workflowId} in the Web UI for the reason`,
        );
      return tell(asked, Date.now() - began);
    }
    const line = progress
      ? `${seconds(Date.now() - began)}: ${counted(progress.checkedByType)} checked; restarted: ` +
        `${counted(progress.restarted)}`
      : `${seconds(Date.now() - began)}: waiting for a worker, or for the first progress report`;
    const news = line.slice(line.indexOf(':'));
    if (news !== told) process.stderr.write(`${line}\n`);
    told = news;
  }
}

function tell(
  { checked, checkedByType, restarted, terminated, postponed }: ReconciliationCounts,
  tookMs: number,
): void {
  const left = postponed > 0 ? `${postponed}   (docs/alerts.md#workflows-lost)` : '0';
  process.stdout.write(
    `checked        ${checked}   (${counted(checkedByType)})\nrestarted      ${counted(restarted)}\nterminated   ` +
      `  ${terminated}\npostponed      ${left}\nduration       ${seconds(tookMs)}\n`,
  );
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const counted = (byType: Readonly<Record<string, number>> = {}): string =>
  Object.entries(byType)
    .map(([type, count]) => `${count} ${type}`)
    .join(', ') || 'none';

runScript(
  {
    name: 'reconcile',
    about:
      'Compares DynamoDB rows with workflows, and restarts workflows that were terminated, failed or lost. ' +
      'The script calls the API as an admin; a worker does the work.',
    examples: [
      ['', 'after workflows were terminated by mistake'],
      ['--full', 'after Temporal was restored from a backup'],
    ],
    expected: [ConfigError],
  },
  (cli) =>
    apiOptions(cli)
      .option('key', {
        type: 'string',
        describe:
          'API key of an admin; default LONGWATCH_API_KEY, else the development key of the Longwatch on this machine',
      })
      .option('full', {
        type: 'boolean',
        default: false,
        describe:
          'Compare every open row with the running workflows, not only those that failed since the last reconciliation',
      }),
  ({ url, key, full }) => reconcile({ url, key, full }),
);
