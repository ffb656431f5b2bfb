import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { CsvError, parse as parseCsv } from 'csv-parse';
import { stringify } from 'csv-stringify';
import { parse } from '../domain/edge/parse';
import type { FieldFault } from '../domain/errors';
import { minorUnitDigits } from '../domain/money/currencies';
import { iso } from '../domain/ids';
import type { Transaction } from '../domain/fraud/transaction';
import { recordSchema } from '../domain/fraud/transactionSchema';
import { LabError } from './errors';

/** A transaction of a file and its label. */
export interface FileTransaction {
  transaction: Transaction;
  /** Absent if it is not known. */
  fraud?: boolean;
}

/** Format of the amounts in a file. */
export interface FileFormat {
  /** `minor`: EUR 19.99 is 1999. `major`: it is 19.99. */
  amountUnit: 'minor' | 'major';
  /** Currency of rows without one, ISO 4217. */
  currency: string;
}

/** Minor units, and euros for rows without a currency. */
export const defaultFormat: FileFormat = { amountUnit: 'minor', currency: 'EUR' };

const required = ['transactionId', 'timestamp', 'userId', 'merchantId', 'amount'] as const;
const optional = ['fraud', 'currency', 'channel', 'deviceId', 'ip', 'latitude', 'longitude', 'country'] as const;
/** Columns of a file, in the order in which they are written. */
export const fileColumns = [...required, ...optional] as const;
type Column = (typeof fileColumns)[number];
type Row = Partial<Record<Column, unknown>>;

const isColumn = (name: string): boolean => (fileColumns as readonly string[]).includes(name);

const isCompressed = (path: string): boolean => path.endsWith('.gz');
const isJsonLines = (path: string): boolean => /\.(jsonl|ndjson)(\.gz)?$/.test(path);

/**
 * Reads transactions from a CSV file (with header) or from JSON lines, optionally gzipped, one by one in the file's
 * order.
 * @throws LabError naming file, line and field of the first fault
 */
export async function* readTransactions(
  path: string,
  format: FileFormat = defaultFormat,
  onProgress?: (share: number) => void,
): AsyncGenerator<FileTransaction> {
  try {
    // Check first: a read stream of a missing file would fail before a listener is attached.
    const { size } = await stat(path);
    const file = createReadStream(path);
    const input = isCompressed(path) ? unzipped(file) : file;
    let count = 0;
    for await (const { row, line } of isJsonLines(path) ? jsonRows(input, path) : csvRows(input, path)) {
      if (++count % 1_000 === 0) onProgress?.(file.bytesRead / size);
      yield asTransaction(row, format, `${path}:${line}`);
    }
  } catch (error) {
    throw asLabError(error, path);
  }
}

function unzipped(file: Readable): Readable {
  const plain = createGunzip();
  pipeline(file, plain).catch((error: Error) => plain.destroy(error));
  return plain;
}

async function* csvRows(input: Readable, path: string): AsyncGenerator<{ row: Row; line: number }> {
  const parser = parseCsv({
    columns: (header: string[]) => knownColumns(header, path),
    bom: true,
    trim: true,
    skip_empty_lines: true,
  });
  pipeline(input, parser).catch((error: Error) => parser.destroy(error));
  for await (const row of parser) yield { row: row as Row, line: parser.info.lines };
}

function knownColumns(header: string[], path: string): string[] {
  const missing = required.filter((name) => !header.includes(name));
  if (missing.length > 0)
    throw new LabError(
      `${path}: the header lacks ${missing.join(', ')}; wanted are ${required.join(', ')}, and if known ` +
        `${optional.join(', ')}`,
    );
  const unknown = header.filter((name) => !isColumn(name));
  if (unknown.length > 0)
    throw new LabError(
      `${path}: the header has the unknown column${unknown.length > 1 ? 's' : ''} ${unknown.join(', ')}; known ` +
        `are ${fileColumns.join(', ')}`,
    );
  return header;
}

async function* jsonRows(input: Readable, path: string): AsyncGenerator<{ row: Row; line: number }> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const failed = finished(input); // readline ends without an error if its source fails, so check the source.
  failed.catch(() => undefined);
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === '') continue;
    yield { row: jsonRow(text, `${path}:${line}`), line };
  }
  await failed;
}

function jsonRow(text: string, where: string): Row {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new LabError(`${where}: this line is not valid JSON`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new LabError(`${where}: this line is not a JSON object`);
  const { location, ...rest } = parsed as Row & { location?: object };
  const row = { ...rest, ...location };
  const unknown = Object.keys(row).filter((name) => !isColumn(name));
  if (unknown.length > 0)
    throw new LabError(`${where}: unknown fields ${unknown.join(', ')}; known are ${fileColumns.join(', ')}`);
  return row;
}

const texts = ['transactionId', 'userId', 'merchantId', 'channel', 'deviceId', 'ip'] as const;
const isGiven = (value: unknown): boolean => value !== undefined && value !== '' && value !== null;

/** Builds the input field by field for speed: it runs for every row of files with millions of rows. */
function asTransaction(row: Row, { amountUnit, currency: usual }: FileFormat, where: string): FileTransaction {
  const currency = isGiven(row.currency) ? row.currency : usual;
  const amount = asNumber(row.amount);
  const input: Record<string, unknown> = {
    currency,
    amount: amountUnit === 'minor' ? amount : asMinor(amount, String(currency)),
    timestamp: asInstant(row.timestamp),
  };
  for (const name of texts) if (isGiven(row[name])) input[name] = row[name];
  const location = asLocation(row);
  if (location) input['location'] = location;
  const { value: data, faults } = parse(recordSchema, input);
  if (faults) {
    const { field: path, message } = faults[0] as FieldFault;
    const field = path.split('.').at(-1) || 'the row';
    const hint = field === 'amount' && amountUnit === 'minor' ? '; for amounts like 19.99 use --amount-unit major' : '';
    throw new LabError(`${where}: ${field} ${message}, found ${JSON.stringify(row[field as Column] ?? null)}${hint}`);
  }
  const fraud = asFraud(row.fraud, where);
  return fraud === undefined ? { transaction: data as Transaction } : { transaction: data as Transaction, fraud };
}

function asLocation(row: Row): Record<string, unknown> | undefined {
  const { latitude, longitude, country } = row;
  if (!isGiven(latitude) && !isGiven(longitude) && !isGiven(country)) return undefined;
  return {
    ...(isGiven(latitude) && { latitude: asNumber(latitude) }),
    ...(isGiven(longitude) && { longitude: asNumber(longitude) }),
    ...(isGiven(country) && { country }),
  };
}

/** An empty cell is a missing value. */
const asNumber = (value: unknown): unknown =>
  typeof value === 'string' && value !== '' ? Number(value) : isGiven(value) ? value : undefined;

/** Rounds, because 0.29 × 100 is not exactly 29 in binary. */
function asMinor(major: unknown, currency: string): unknown {
  return typeof major === 'number' ? Math.round(major * 10 ** minorUnitDigits(currency)) : major;
}

const EPOCH = /^\d{12,13}$/;
const WITHOUT_OFFSET = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)$/;

/** Also accepts `2026-01-31 12:00:00`, which many tools write, and takes it as UTC. */
function asInstant(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (EPOCH.test(value)) return Number(value);
  const local = WITHOUT_OFFSET.exec(value);
  return local ? `${local[1]}T${local[2]}Z` : value;
}

function asFraud(value: unknown, where: string): boolean | undefined {
  if (!isGiven(value)) return undefined;
  if (value === '1' || value === 1 || value === true) return true;
  if (value === '0' || value === 0 || value === false) return false;
  throw new LabError(`${where}: fraud must be 0, 1 or empty (not known), found ${JSON.stringify(value)}`);
}

function asLabError(error: unknown, path: string): unknown {
  if (error instanceof LabError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof CsvError) return new LabError(`${path}: ${message}`);
  if (code === 'ENOENT') return new LabError(`File ${path} does not exist`);
  if (code?.startsWith('Z_')) return new LabError(`${path} ends in .gz but is not a complete gzip file (${message})`);
  return code === undefined ? error : new LabError(`${path} cannot be read (${message})`);
}

/** Writes a file that {@link readTransactions} can read, in minor units. */
export interface TransactionWriter {
  write(one: FileTransaction): Promise<void>;
  /** Resolves when the file is complete. */
  close(): Promise<void>;
}

/** Opens a file for transactions; its extension decides between CSV and JSON lines, and gzip. */
export function writeTransactions(path: string): TransactionWriter {
  const encode = isJsonLines(path) ? new PassThrough() : stringify({ header: true, columns: [...fileColumns] });
  const file = createWriteStream(path);
  const done = isCompressed(path) ? pipeline(encode, createGzip(), file) : pipeline(encode, file);
  done.catch(() => undefined); // `write` or `close` reports the error.
  const line = isJsonLines(path) ? jsonLine : csvRow;
  return {
    async write(one) {
      if (!(encode as Writable).write(line(one)))
        await Promise.race([new Promise((resolve) => encode.once('drain', resolve)), done]);
    },
    async close() {
      encode.end();
      await done;
    },
  };
}

const asBit = (fraud: boolean | undefined): string => (fraud === undefined ? '' : fraud ? '1' : '0');

function csvRow({ transaction, fraud }: FileTransaction): unknown {
  const { location, timestamp, ...rest } = transaction;
  return { ...rest, ...location, timestamp: iso(timestamp), fraud: asBit(fraud) };
}

/** Converts a transaction to the JSON form that the API and the streams accept. */
export const recordOf = (transaction: Transaction): Record<string, unknown> => ({
  ...transaction,
  timestamp: iso(transaction.timestamp),
});

function jsonLine({ transaction, fraud }: FileTransaction): string {
  return `${JSON.stringify({ ...recordOf(transaction), ...(fraud !== undefined && { fraud: fraud ? 1 : 0 }) })}\n`;
}
