import type { z } from 'zod';
import type { FieldFault } from '../errors';
import { faultOfJson, fieldPath } from './json';
import { defaultSentence } from './sentences';

/** What an input is, or what is wrong with it field by field. */
export type Parsed<T> = { value: T; faults?: undefined } | { value?: undefined; faults: FieldFault[] };

/**
 * Checks an input from outside: first that DynamoDB can keep all of it, then that it is what the schema says. The one
 * way in for request parameters and bodies, records of streams, messages of devices and files.
 * @param walks false where the caller passes the parts of the input to `parse` one by one.
 */
export function parse<T>(schema: z.ZodType<T>, input: unknown, { walks = true }: { walks?: boolean } = {}): Parsed<T> {
  const fault = walks ? faultOfJson(input) : undefined;
  if (fault) return { faults: [fault] };
  const { success, data, error } = schema.safeParse(input, { error: defaultSentence });
  return success ? { value: data } : { faults: distinct(error.issues.flatMap((issue) => faultsOfIssue(issue, input))) };
}

/** A value may break two checks of one rule, as a number does that is neither whole nor small enough. */
function distinct(faults: readonly FieldFault[]): FieldFault[] {
  return [...new Map(faults.map((fault) => [`${fault.field}\n${fault.message}`, fault])).values()];
}

/** Faults as one sentence: "amount must be over 0; currency is missing". @param whole what stands for the empty path */
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
 * The alternative of a union that the sender meant, for objects: the one that knows the most of the fields that were
 * sent, and of those the first. Undefined when the value is no object, or when alternatives that a sentence describes
 * together fit equally well.
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
