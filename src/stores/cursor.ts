import { createHash } from 'node:crypto';
import { isLongwatchError, LongwatchError } from '../domain/errors';

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** Opaque; requests the next page. Absent on the last page. */
  cursor?: string;
}

/** Which page of a list to return. `limit` is not part of the list's identity: each page may have another limit. */
export interface PageRequest {
  /** The cursor of the page before. Absent: the first page. */
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** Identifies a list: its name, and its owner and filters. */
export interface List {
  name: string;
  of: Readonly<Record<string, string | number | undefined>>;
}

type Position = Readonly<Record<string, string | number>>;
/** The attributes of a position and their types: texts, which may have to match a pattern, and integers. */
type Shape = Readonly<Record<string, 'text' | 'integer' | RegExp>>;

const VERSION = 1;
const LIST_BYTES = 6;
const CHECK_BYTES = 6;

const digest = (length: number, ...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, length);
};

/** A hash of the list's name and filters. The order of the filters and undefined filters do not change it. */
const identityOf = ({ name, of }: List): Buffer =>
  digest(
    LIST_BYTES,
    JSON.stringify([
      name,
      ...Object.entries(of)
        .filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ]),
  );

/**
 * Returns a position in a list as an opaque text: a version byte, the identity of the list, the position as JSON, and a
 * checksum. A cursor is valid for the release that made it: a later release may refuse it.
 * @param position DynamoDB's `LastEvaluatedKey`, or another position at which the list continues; undefined at its end
 */
export function toCursor(list: List, position: Position | Record<string, unknown> | undefined): { cursor?: string } {
  if (position === undefined) return {};
  const content = Buffer.concat([Buffer.from([VERSION]), identityOf(list), Buffer.from(JSON.stringify(position))]);
  return { cursor: Buffer.concat([content, digest(CHECK_BYTES, content)]).toString('base64url') };
}

/**
 * Decodes a cursor of this list.
 * @throws LongwatchError `invalid` for a damaged cursor, a cursor of another release, or one of another list. DynamoDB
 *   would answer another list's position with a ValidationException or an empty page.
 */
export function fromCursor<S extends Shape>(
  list: List,
  cursor: string,
  shape: S,
): { [name in keyof S]: S[name] extends 'integer' ? number : string } {
  const bytes = Buffer.from(cursor, 'base64url');
  const content = bytes.subarray(0, -CHECK_BYTES);
  // Buffer.from ignores characters that are not base64url, so compare the text to detect them.
  if (
    bytes.toString('base64url') !== cursor ||
    content[0] !== VERSION ||
    !digest(CHECK_BYTES, content).equals(bytes.subarray(-CHECK_BYTES))
  )
    throw refusal('is damaged or no longer valid');
  if (!identityOf(list).equals(content.subarray(1, 1 + LIST_BYTES)))
    throw refusal('belongs to another list, or to this one with other filters');
  const position = JSON.parse(content.subarray(1 + LIST_BYTES).toString()) as Position;
  const names = Object.keys(shape);
  if (Object.keys(position).length !== names.length || !names.every((name) => fits(position[name], shape[name])))
    throw refusal('is damaged or no longer valid');
  return position as never;
}

/**
 * Returns the start key of a DynamoDB query or scan that continues at a cursor.
 * @param names the attributes of the start key, all texts
 * @throws LongwatchError `invalid` as `fromCursor`.
 */
export function startAt(
  list: List,
  cursor: string | undefined,
  names: readonly string[],
): { ExclusiveStartKey?: Record<string, string> } {
  return cursor === undefined
    ? {}
    : { ExclusiveStartKey: fromCursor(list, cursor, Object.fromEntries(names.map((name) => [name, 'text' as const]))) };
}

/**
 * Reads a page for background work that stores its cursor between attempts. If another release wrote the cursor, so
 * that the list refuses it, reads the first page instead: the work must be idempotent.
 */
export async function pageOrFirst<T>(
  cursor: string | undefined,
  read: (cursor: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await read(cursor);
  } catch (error) {
    if (cursor === undefined || !isCursorFault(error)) throw error;
    return read(undefined);
  }
}

const isCursorFault = (error: unknown): boolean =>
  isLongwatchError(error, 'invalid') && error.detail.faults?.[0]?.field === 'cursor';

function fits(value: unknown, wanted: Shape[string] | undefined): boolean {
  if (wanted === 'integer') return Number.isSafeInteger(value);
  return typeof value === 'string' && (wanted === 'text' || wanted?.test(value) === true);
}

const refusal = (why: string): LongwatchError =>
  new LongwatchError('invalid', `cursor ${why}; start again without cursor`, {
    faults: [{ field: 'cursor', message: `${why}; start again without cursor` }],
  });
