import { createWriteStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { featureNames, featureVector, type Features } from '../domain/fraud/features';
import { iso } from '../domain/ids';
import { LabError } from './errors';
import { NpyWriter } from './npy';
import type { FileTransaction } from './transactionFile';

/** Writes a feature matrix row by row, in the order of the transaction file. */
export interface FeatureWriter {
  /** Writes a row. @returns a promise to await before the next row, if the file cannot keep up */
  write(one: FileTransaction, features: Features): Promise<unknown> | undefined;
  /** Resolves when the file is complete. */
  close(): Promise<void>;
}

/** Label of a row: 1 fraud, 0 genuine, `NaN` if it is not known. */
const label = (fraud: boolean | undefined): number => (fraud === undefined ? Number.NaN : Number(fraud));

/**
 * Opens a file for features. `.npy`: float32, the label and then the features, with `NaN` for missing values. `.csv`
 * and `.csv.gz`: a header, then transaction id, time, label and features, with empty cells for missing values.
 * @throws LabError for another file extension
 */
export function writeFeatures(path: string): FeatureWriter {
  if (path.endsWith('.npy')) return npyFeatures(path);
  if (/\.csv(\.gz)?$/.test(path)) return csvFeatures(path);
  throw new LabError(`${path} must end in .npy, .csv or .csv.gz`);
}

function npyFeatures(path: string): FeatureWriter {
  const matrix = new NpyWriter(path, featureNames.length + 1);
  return {
    write({ fraud }, features) {
      matrix.write([label(fraud), ...featureVector(features)]);
      return undefined;
    },
    async close() {
      matrix.close();
    },
  };
}

function csvFeatures(path: string): FeatureWriter {
  const text = new PassThrough({ highWaterMark: 1 << 20 });
  const file = createWriteStream(path);
  const done = path.endsWith('.gz') ? pipeline(text, createGzip(), file) : pipeline(text, file);
  done.catch(() => undefined); // `write` or `close` reports the error.
  text.write(`transactionId,timestamp,fraud,${featureNames.join(',')}\n`);
  const cell = (value: number): string => (Number.isNaN(value) ? '' : String(Math.fround(value)));
  return {
    write({ transaction, fraud }, features) {
      const cells = [
        transaction.transactionId,
        iso(transaction.timestamp),
        cell(label(fraud)),
        ...featureVector(features).map(cell),
      ];
      return text.write(`${cells.join(',')}\n`)
        ? undefined
        : Promise.race([new Promise((resolve) => text.once('drain', resolve)), done]);
    },
    async close() {
      text.end();
      await done;
    },
  };
}
