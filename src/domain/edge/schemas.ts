import { z } from 'zod';
import { ID_PATTERN, ID_RULE } from '../ids';
import { FREE_JSON_DEPTH, faultOfJson } from './json';
import { faultOfText, LINE_RULE, LINES_RULE, type TextUse } from './text';

/**
 * The intended use of each string schema. `parse` (parse.ts) refuses texts that DynamoDB cannot store; the string
 * schemas below add the rules of a use. `test/domain/edge/schemas.test.ts` fails for a string in an input schema that
 * has neither a use nor a pattern.
 */
export const textUses = z.registry<{ use: TextUse }>();

/** A text of one line. @param message the rule as a part of a sentence, for a value that is no string. */
export const line = (message = 'must be a text of one line') =>
  z.string(message).refine((text) => faultOfText(text, 'line') === undefined, LINE_RULE);

/** A text of several lines: notes and posts. */
export function lines(message = 'must be a text') {
  return z
    .string(message)
    .refine((text) => faultOfText(text, 'lines') === undefined, LINES_RULE)
    .register(textUses, { use: 'lines' });
}

/** A text of one line with a limited length in UTF-16 code units. */
export const lineOf = (min: number, max: number) => bounded(line, min, max);
/** A text of several lines with a limited length in UTF-16 code units. */
export const linesOf = (min: number, max: number) => bounded(lines, min, max);

function bounded(text: typeof line, min: number, max: number) {
  const message = `must be ${min === 0 ? 'at most' : `${min} to`} ${max} characters`;
  const made = text(message).min(min, message).max(max, message);
  // Every further check returns another schema, so the last one must be registered again.
  return text === lines ? made.register(textUses, { use: 'lines' }) : made;
}

/** An http or https link. The URL parser silently drops line breaks and tabs, so they are refused before. */
export const linkOf = (max: number) =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http or https link' })
    .max(max, `must be at most ${max} characters`)
    .refine((text) => faultOfText(text, 'line') === undefined, LINE_RULE);

/** An identifier that callers choose. @param what its owner, for messages: "the player". */
export const idOf = (what?: string) =>
  z.string(what === undefined ? ID_RULE : `must be the id of ${what}: 1 to 64 characters`).regex(ID_PATTERN, ID_RULE);

/** Returns the message of an object schema for a value that is not such an object; `parse` reports unknown fields. */
export const shapeRule =
  (message: string) =>
  (issue: { code?: string }): string | undefined =>
    issue.code === 'unrecognized_keys' ? undefined : message;

/** An integer in a range, in JSON. */
export function wholeOf(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

/** An integer in a range, in a query or a path, where every value is a text. */
export function wholeTextOf(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(message).int(message).min(min, message).max(max, message);
}

/**
 * Free JSON with free names, such as a session's data. Refuses values that DynamoDB cannot store, and more levels than
 * FREE_JSON_DEPTH.
 */
export const freeJson = (maxName: number) =>
  z.record(lineOf(1, maxName), z.unknown(), 'must be an object').superRefine((value, context) => {
    const fault = faultOfJson(value, FREE_JSON_DEPTH);
    if (fault)
      context.addIssue({
        code: 'custom',
        message: fault.field === '' ? fault.message : `${fault.message} (at ${fault.field})`,
      });
  });
