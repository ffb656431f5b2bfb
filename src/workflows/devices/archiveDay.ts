import { proxyActivities } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import type { ArchiveFile } from '../../domain/devices/archive';
import { showDetails } from '../cancellation';
import type { ArchiveReport, DayInput } from '../../domain/devices/workflows';

// Short operations on tables and small files.
const { planArchive, writeManifest, commitArchive, partsToDelete, finishArchive } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
// An attempt on millions of rows can take hours. Heartbeats reveal its failure within seconds.
const { writeLane, verifyPart, deletePart } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * Archives a finished day: writes files, reads them back, compares them with the table, and only then deletes the rows.
 * A failure at any point leaves the rows or the verified files, and the workflow continues from there.
 */
export async function archiveDay({ day }: DayInput): Promise<ArchiveReport> {
  const plan = await planArchive(day);
  const { generation, lanes, isRestored } = plan;
  if (lanes.length > 0) {
    showDetails(`Writing **${day}**, manifest ${generation}, in ${lanes.length} lane(s).`);
    const written = (await Promise.all(lanes.map((lane) => writeLane(plan, lane)))).flat();
    if (written.length === 0 && !isRestored) {
      if (generation > 1) await finishArchive(day, generation - 1);
      return report(day, 0, 0);
    }
    await writeManifest(plan, written);
    showDetails(`Comparing ${count(written)} of **${day}** with the table.`);
    await Promise.all(written.map((part) => verifyPart(day, part)));
    await commitArchive(plan);
  }
  const leaving = await partsToDelete(plan);
  showDetails(`${count(leaving)} of **${day}** are verified and are being deleted from the table.`);
  await Promise.all(leaving.map((part) => deletePart(day, part)));
  await finishArchive(day, generation);
  return report(
    day,
    leaving.reduce((sum, { rows }) => sum + rows, 0),
    leaving.length,
  );
}

const count = (parts: readonly ArchiveFile[]): string =>
  `${parts.reduce((sum, { rows }) => sum + rows, 0)} rows in ${parts.length} file(s)`;

function report(day: string, rows: number, files: number): ArchiveReport {
  showDetails(`**${day}**: ${rows} rows in ${files} file(s) are archived and deleted from the table.`);
  return { day, rows, files };
}
