import { LongwatchError } from '../domain/errors';

/** One page of a list, and where the next one starts. */
export interface Page<T> {
  items: T[];
  /** Opaque; absent on the last page. */
  cursor?: string;
}

/** DynamoDB's `LastEvaluatedKey` as an opaque text. */
export function toCursor(key: Record<string, unknown> | undefined): { cursor?: string } {
  return key === undefined ? {} : { cursor: Buffer.from(JSON.stringify(key)).toString('base64url') };
}

/**
 * @param names the key attributes that a cursor of this list consists of; all are texts.
 * @throws LongwatchError `invalid` for anything that no list of this kind gave out.
 */
export function fromCursor(cursor: string, names: readonly string[]): Record<string, string> {
  const key = parse(Buffer.from(cursor, 'base64url').toString());
  if (
    typeof key !== 'object' ||
    key === null ||
    Object.keys(key).length !== names.length ||
    !names.every((name) => typeof (key as Record<string, unknown>)[name] === 'string')
  )
    throw new LongwatchError('invalid', 'The cursor is not one that this list gave out', {
      faults: [{ field: 'cursor', message: 'must be the cursor of the page before' }],
    });
  return key as Record<string, string>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON, so no cursor of ours; the caller says so.
  }
}
