import { createWriteStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { featureNames, featureVector, type Features } from '../domain/fraud/features';
import { iso } from '../domain/ids';
import { LabError } from './errors';
import { NpyWriter } from './npy';
import type { FileTransaction } from './transactionFile';

/** Takes a feature matrix row by row, in the order of the file that it is of. */
export interface FeatureWriter {
  /** @returns something to wait for only where the file cannot keep up. */
  write(one: FileTransaction, features: Features): Promise<unknown> | undefined;
  /** The file is whole once this resolves. */
  close(): Promise<void>;
}

/** Label of a row: 1 fraud, 0 genuine, missing where it is not known. */
const label = (fraud: boolean | undefined): number => (fraud === undefined ? Number.NaN : Number(fraud));

/**
 * `.npy`: float32, the label and then the features, `NaN` where missing. `.csv` and `.csv.gz`: a header, the
 * transaction's id and time, the label and the features, empty where missing.
 * @throws LabError for another ending.
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
  done.catch(() => undefined); // Said by whoever writes or closes.
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
