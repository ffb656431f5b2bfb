import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, type WriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { defined } from '../domain/defined';
import type { Label } from '../domain/fraud/label';
import { DAY_MS } from '../domain/fraud/profile';
import type { Transaction } from '../domain/fraud/transaction';
import { writeTransactions } from './transactionFile';

interface Labelled {
  transaction: Transaction;
  label?: Label;
}

/** What to export. */
export interface LabelExportSettings {
  out: string;
  /** Time range of the payments, epoch ms: from `from` (inclusive) to `to` (exclusive). */
  from: number;
  to: number;
  /** Epoch ms. Payments without a label before this time count as genuine; later ones stay unknown. */
  genuineBefore: number;
}

/** Number of exported payments, by label. */
export interface LabelExportReport {
  payments: number;
  fraud: number;
  genuine: number;
  unknown: number;
}

/**
 * Writes transactions that arrive in any order to a training file in time order. Only one day is in memory at a time;
 * the others are in a temporary folder.
 * @param onProgress called with the number of transactions read so far
 */
export async function exportLabels(
  pages: AsyncIterable<readonly Labelled[]>,
  { out, from, to, genuineBefore }: LabelExportSettings,
  onProgress?: (read: number) => void,
): Promise<LabelExportReport> {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-labels-'));
  const days = new Map<number, WriteStream>();
  const report: LabelExportReport = { payments: 0, fraud: 0, genuine: 0, unknown: 0 };
  try {
    let read = 0;
    for await (const page of pages) {
      for (const one of page) {
        const { timestamp } = one.transaction;
        if (timestamp < from || timestamp >= to) continue;
        const day = Math.floor(timestamp / DAY_MS);
        let file = days.get(day);
        if (!file) days.set(day, (file = createWriteStream(join(folder, String(day)))));
        if (!file.write(`${JSON.stringify(one)}\n`)) await once(file, 'drain');
      }
      onProgress?.((read += page.length));
    }
    await Promise.all([...days.values()].map((file) => finished(file.end())));
    const writer = writeTransactions(out);
    for (const day of [...days.keys()].sort((a, b) => a - b)) {
      const all: Labelled[] = [];
      for await (const line of createInterface({ input: createReadStream(join(folder, String(day))) }))
        all.push(JSON.parse(line) as Labelled);
      all.sort(
        (a, b) =>
          a.transaction.timestamp - b.transaction.timestamp ||
          (a.transaction.transactionId < b.transaction.transactionId ? -1 : 1),
      );
      for (const { transaction, label } of all) {
        const fraud = label ? label === 'fraud' : transaction.timestamp < genuineBefore ? false : undefined;
        report.payments++;
        report[fraud === undefined ? 'unknown' : fraud ? 'fraud' : 'genuine']++;
        await writer.write({ transaction, ...defined({ fraud }) });
      }
    }
    await writer.close();
    return report;
  } finally {
    for (const file of days.values()) file.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}
