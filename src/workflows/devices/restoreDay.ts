import { proxyActivities } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import { showDetails } from '../cancellation';
import type { ArchiveReport, DayInput } from '../../domain/devices/workflows';

const {
  beginRestore,
  finishRestore,
  expireDay: deleteFiles,
} = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const { restorePart } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Writes the rows of an archived day back to the table. The files stay. */
export async function restoreDay({ day }: DayInput): Promise<ArchiveReport> {
  const { generation, rows, parts } = await beginRestore(day);
  showDetails(`${rows} rows of **${day}** are being restored.`);
  await Promise.all(parts.map((part) => restorePart(day, part)));
  await finishRestore(day, generation);
  showDetails(`${rows} rows of **${day}** are restored to the table.`);
  return { day, rows, files: parts.length };
}

/** Deletes the files of an archived day whose retention is over. */
export async function expireDay({ day }: DayInput): Promise<void> {
  await deleteFiles(day);
  showDetails(`The files of **${day}** are deleted, because their retention is over.`);
}
