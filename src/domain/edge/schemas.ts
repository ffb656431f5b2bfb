import { z } from 'zod';
import { ID_PATTERN, ID_RULE } from '../ids';
import { FREE_JSON_DEPTH, faultOfJson } from './json';
import { faultOfText, LINE_RULE, LINES_RULE, type TextUse } from './text';

/**
 * The string schemas that every input schema is made of. `parse` (parse.ts) refuses what DynamoDB cannot keep in any
 * text; these add what the use of a text forbids. `test/domain/edge/schemas.test.ts` walks all input schemas and fails
 * for a string that neither says its use nor has a pattern.
 */
export const textUses = z.registry<{ use: TextUse }>();

/** Text of one line. @param message what is wanted, as a sentence part, for a value that is no string */
export const line = (message = 'must be a text of one line') =>
  z.string(message).refine((text) => faultOfText(text, 'line') === undefined, LINE_RULE);

/** Text of several lines: notes and posts. */
export function lines(message = 'must be a text') {
  return z
    .string(message)
    .refine((text) => faultOfText(text, 'lines') === undefined, LINES_RULE)
    .register(textUses, { use: 'lines' });
}

/** Text of one line with a bounded length in UTF-16 code units. */
export const lineOf = (min: number, max: number) => bounded(line, min, max);
/** Text of several lines with a bounded length in UTF-16 code units. */
export const linesOf = (min: number, max: number) => bounded(lines, min, max);

function bounded(text: typeof line, min: number, max: number) {
  const message = `must be ${min === 0 ? 'at most' : `${min} to`} ${max} characters`;
  const made = text(message).min(min, message).max(max, message);
  // Every further check makes another schema: the use must be said of the last.
  return text === lines ? made.register(textUses, { use: 'lines' }) : made;
}

/** An http or https link. The URL parser drops line breaks and tabs without a word; here they are refused. */
export const linkOf = (max: number) =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http or https link' })
    .max(max, `must be at most ${max} characters`)
    .refine((text) => faultOfText(text, 'line') === undefined, LINE_RULE);

/** An identifier that callers choose. @param what whose, for messages: "the player" */
export const idOf = (what?: string) =>
  z.string(what === undefined ? ID_RULE : `must be the id of ${what}: 1 to 64 characters`).regex(ID_PATTERN, ID_RULE);

/** The message of an object schema for what is no such object; names of unknown fields are told by `parse`. */
export const shapeRule =
  (message: string) =>
  (issue: { code?: string }): string | undefined =>
    issue.code === 'unrecognized_keys' ? undefined : message;

/** A whole number of a range, as JSON has it. */
export function wholeOf(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

/** The same out of a query or a path, where every value is a text. */
export function wholeTextOf(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(message).int(message).min(min, message).max(max, message);
}

/**
 * Free JSON under free names, such as a session's data. Refuses what cannot be kept, and more levels than
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
