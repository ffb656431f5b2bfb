import { workflowInfo } from '@temporalio/workflow';
import { type FanOutPlan, rangesOf, type Slice } from '../../domain/feeds/ranges';
import { noteOnPage } from '../cancellation';
import type { Progress, SliceReport } from '../../domain/feeds/workflows';

/**
 * Visits all followers: the ranges in parallel, the slices of a range one after another.
 * @param processSlice processes one slice.
 * @param onSlice is called after each slice.
 * @returns the remaining work when the history has become long, for a continue-as-new; undefined when all is done.
 */
export async function throughFollowers(
  plan: FanOutPlan,
  carried: Progress | undefined,
  processSlice: (slice: Slice) => Promise<SliceReport>,
  onSlice: (rows: number, open: number) => void,
): Promise<Progress | undefined> {
  const slices = carried?.open ?? rangesOf(plan.ranges).map((range): Slice => ({ range }));
  let rows = carried?.rows ?? 0;
  let skipped = carried?.skipped ?? 0;
  let open = slices.length;
  let processed = 0;
  const isLong = () =>
    workflowInfo().continueAsNewSuggested || processed >= (plan.slicesARun ?? Number.POSITIVE_INFINITY);
  const left: Slice[] = [];
  await Promise.all(
    slices.map(async (first) => {
      for (let slice: Slice | undefined = first; slice;) {
        if (isLong()) return void left.push(slice);
        const { rows: visited, skipped: skippedNow = 0, after }: SliceReport = await processSlice(slice);
        processed++;
        rows += visited;
        skipped += skippedNow;
        if (skipped > 0)
          noteOnPage(
            'skipped',
            `> **${skipped}** followers were skipped, because a step for each was refused permanently. The log ` +
              'names them.',
          );
        slice = after === undefined ? undefined : { range: slice.range, after };
        if (!slice) open--;
        onSlice(rows, open);
      }
    }),
  );
  return left.length > 0 ? { open: left, rows, ...(skipped > 0 && { skipped }) } : undefined;
}
