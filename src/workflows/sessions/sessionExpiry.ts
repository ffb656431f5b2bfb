import { ActivityCancellationType, continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { SessionActivities } from '../../activities/sessions/types';
import { showDetails } from '../cancellation';
import type { SessionExpiryInput, SweepReport } from '../../domain/sessions/workflows';

/** Additional time for an activity to complete its last page. */
const marginMs = (sweepMs: number): number => 5_000 + sweepMs / 5;
/** Shorter sleeps are skipped, because a timer would cost as much as the sweep. */
const MIN_SLEEP_MS = 1_000;

/**
 * Ends the sessions of a bucket when they expire: it sweeps, then sleeps until the next one is due, as the sweep's
 * `untilNext` (operations/sessions/sweeper.ts) computes. It never ends.
 */
export async function sessionExpiry(input: SessionExpiryInput): Promise<void> {
  const { bucket, sweepMs } = input;
  // No heartbeats: each would cost an action. The timeout reveals a failed worker; until then reads still refuse
  // expired sessions, because they check the expiry themselves. Retried without limit, because only this workflow
  // sweeps.
  const { sweepSessions } = proxyActivities<SessionActivities>({
    startToCloseTimeout: sweepMs + marginMs(sweepMs),
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
  });
  const total = { idle: 0, absolute: 0, rearmed: 0, reported: 0 };
  while (!workflowInfo().continueAsNewSuggested) {
    const report = await sweepSessions(bucket, sweepMs);
    for (const count of ['idle', 'absolute', 'rearmed', 'reported'] as const) total[count] += report[count];
    showDetails(details(report, total));
    if (report.sleepMs > MIN_SLEEP_MS) await sleep(report.sleepMs);
  }
  await continueAsNew<typeof sessionExpiry>(input);
}

function details(last: SweepReport, total: Pick<SweepReport, 'idle' | 'absolute' | 'rearmed' | 'reported'>): string {
  return [
    `Next sweep **${Math.round(last.sleepMs / 1_000)} s** after this one; it ended sessions at most ` +
      `**${(last.latestMs / 1_000).toFixed(1)} s** late.`,
    [
      '| | in this run |',
      '| --- | ---: |',
      `| idle | ${total.idle} |`,
      `| absolute | ${total.absolute} |`,
      `| used since the check was set | ${total.rearmed} |`,
      `| events sent for other processes | ${total.reported} |`,
    ].join('\n'),
  ].join('\n\n');
}
