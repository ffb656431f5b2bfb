import type { z } from 'zod';
import type { FieldFault } from '../errors';
import { faultOfJson, fieldPath } from './json';
import { defaultSentence } from './sentences';

/** The parsed value, or the faults by field. */
export type Parsed<T> = { value: T; faults?: undefined } | { value?: undefined; faults: FieldFault[] };

/**
 * Validates input from outside: first whether DynamoDB can store all of it, then its schema. Request parameters and
 * bodies, records of streams, messages of devices and files are all parsed by this function.
 * @param walks false skips the first check, for callers that have checked the whole input and parse its parts.
 */
export function parse<T>(schema: z.ZodType<T>, input: unknown, { walks = true }: { walks?: boolean } = {}): Parsed<T> {
  const fault = walks ? faultOfJson(input) : undefined;
  if (fault) return { faults: [fault] };
  const { success, data, error } = schema.safeParse(input, { error: defaultSentence });
  return success ? { value: data } : { faults: distinct(error.issues.flatMap((issue) => faultsOfIssue(issue, input))) };
}

/** Removes duplicates: a value can break two checks with the same message. */
function distinct(faults: readonly FieldFault[]): FieldFault[] {
  return [...new Map(faults.map((fault) => [`${fault.field}\n${fault.message}`, fault])).values()];
}

/** Joins faults to one sentence: "amount must be over 0; currency is missing". @param whole replaces an empty path. */
export const sentenceOf = (faults: readonly FieldFault[], whole: string): string =>
  faults.map(({ field, message }) => `${field || whole} ${message}`).join('; ');

type Issue = z.core.$ZodIssue;

function faultsOfIssue(issue: Issue, input: unknown, under: readonly PropertyKey[] = []): FieldFault[] {
  const path = [...under, ...issue.path];
  const branch = issue.code === 'invalid_union' ? intended(issue) : undefined;
  if (branch) return branch.flatMap((inner) => faultsOfIssue(inner, input, path));
  const field = fieldPath(path);
  if (issue.code === 'invalid_key') return [{ field, message: issue.issues[0]?.message ?? issue.message }];
  if (path.length > 0 && issue.code !== 'unrecognized_keys' && valueAt(input, path) === undefined)
    return [{ field, message: issue.message.startsWith('must ') ? `is missing; it ${issue.message}` : 'is missing' }];
  return [{ field, message: issue.message }];
}

/**
 * Returns the issues of the union's alternative that the sender probably meant, for objects: the first of those that
 * know most of the given fields. Undefined when the value is not an object, or when several alternatives fit equally
 * well and the union has a message of its own.
 */
function intended({ errors, message }: Issue & { code: 'invalid_union' }): readonly Issue[] | undefined {
  const ranked = errors
    .filter(
      (issues) =>
        !issues.some(({ path, code }) => path.length === 0 && code !== 'unrecognized_keys' && code !== 'custom'),
    )
    .map((issues) => ({
      issues,
      unknown: issues.reduce(
        (sum, issue) => sum + (issue.path.length === 0 && issue.code === 'unrecognized_keys' ? issue.keys.length : 0),
        0,
      ),
    }))
    .sort((a, b) => a.unknown - b.unknown);
  const [best, next] = ranked;
  const hasOwnSentence = message !== defaultSentence({ code: 'invalid_union' });
  if (!best) return hasOwnSentence ? undefined : errors[0];
  const isClear = next === undefined || next.unknown > best.unknown;
  return isClear || !hasOwnSentence ? best.issues : undefined;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let at = input;
  for (const key of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return at;
}
