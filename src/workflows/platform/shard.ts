import { ActivityCancellationType, continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { PlatformActivities } from '../../activities/platform/types';
import type { ShardReport } from '../../domain/platform/streams';
import { showDetails } from '../cancellation';
import type { ShardInput } from '../../domain/platform/workflows';

// The heartbeat reveals a failed worker within half a minute; then another worker continues from the checkpoint.
const { consumeShard } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '70 minutes',
  heartbeatTimeout: '30 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Durations of attempts. The page shows an attempt's figures after it ends: soon at first, then four times an hour. */
const FIRST_ATTEMPT_MS = 30_000;
const LATER_ATTEMPT_MS = 15 * 60_000;

/** Reads one shard to its end. */
export async function shard(input: ShardInput): Promise<void> {
  const total: Pick<ShardReport, 'records' | 'counts'> = { records: 0, counts: {} };
  for (let attempt = 0; !workflowInfo().continueAsNewSuggested; attempt++) {
    const report = await consumeShard(input.stream, input.shardId, attempt === 0 ? FIRST_ATTEMPT_MS : LATER_ATTEMPT_MS);
    total.records += report.records;
    // Histories of releases before the counts have none.
    for (const [name, count] of Object.entries(report.counts ?? {}))
      total.counts[name] = (total.counts[name] ?? 0) + count;
    showDetails(details(report, total));
    if (report.ended) return;
  }
  await continueAsNew<typeof shard>(input);
}

function details(last: ShardReport, { records, counts }: Pick<ShardReport, 'records' | 'counts'>): string {
  const { position, millisBehindLatest, ended, seconds = 0, batches = 0 } = last;
  const lines = [
    `**${records}** records in this run, at \`${position ?? 'the beginning'}\`, ` +
      `**${(millisBehindLatest / 1000).toFixed(1)} s** behind${ended ? '; the shard has ended' : ''}.`,
  ];
  if (seconds > 0 && last.records > 0)
    lines.push(
      `Last attempt: ${(last.records / seconds).toFixed(1)} records a second over ${Math.round(seconds)} s, ` +
        `${(last.records / Math.max(batches, 1)).toFixed(0)} a batch.`,
    );
  if (records > 0) {
    const rows = Object.entries(counts).map(([name, count]) => `| ${name} | ${count} |`);
    lines.push(['| | records |', '| --- | ---: |', ...rows].join('\n'));
  }
  lines.push('Pending Activities shows the progress of the current activity.');
  return lines.join('\n\n');
}
