/**
 * What DynamoDB can keep, as pure checks without a schema library, so that workflow code can use them too.
 * Schemas use them through `schemas.ts`; every input passes them in `parse.ts`.
 */

/**
 * `line`: one line, such as a name or a reference. `lines`: text with line breaks and tabs, such as a note or a post.
 */
export type TextUse = 'line' | 'lines';

export const LINE_RULE = 'must be well-formed Unicode without line breaks and control characters';
export const LINES_RULE = 'must be well-formed Unicode without control characters other than line breaks and tabs';

/** Control characters (C0, DEL, C1) and the line and paragraph separators. */
const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029]/u;
/** Control characters other than tab, line feed and carriage return. */
const NOT_IN_LINES = /(?![\t\n\r])\p{Cc}/u;

/**
 * Returns what is wrong with a text, as a sentence part, or undefined. DynamoDB refuses unpaired surrogates
 * (SerializationException).
 */
export function faultOfText(text: string, use: TextUse = 'lines'): string | undefined {
  const forbidden = use === 'line' ? NOT_IN_A_LINE : NOT_IN_LINES;
  if (text.isWellFormed() && !forbidden.test(text)) return undefined;
  return use === 'line' ? LINE_RULE : LINES_RULE;
}

/**
 * DynamoDB's numbers: 0, or a magnitude from 1e-130 to 9.99…e125. A double has at most 17 digits; DynamoDB keeps 38.
 */
const SMALLEST = 1e-130;
const LARGEST = 9.99e125;
export const NUMBER_RULE = 'must be 0, or a number of a magnitude from 1e-130 to 9.99e125';

/** Returns what is wrong with a number, as a sentence part, or undefined. */
export function faultOfNumber(value: number): string | undefined {
  const magnitude = Math.abs(value);
  return value === 0 || (magnitude >= SMALLEST && magnitude <= LARGEST) ? undefined : NUMBER_RULE;
}

/** Names that JavaScript objects already have: a map of free names that holds one of them loses it, or worse. */
export const reservedNames = ['__proto__', 'constructor', 'prototype'] as const;
export const NAME_RULE = `must not be one of the reserved names ${reservedNames.join(', ')}`;

/** Returns what is wrong with the name of a property, as a sentence part, or undefined. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return 'must not have an empty name';
  return (reservedNames as readonly string[]).includes(name) ? NAME_RULE : faultOfText(name, 'line');
}

/** A name that a caller sent, fit for a message, a log line and a dead letter's reason. */
export const shownName = (name: string): string =>
  name
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]/gu, '\ufffd')
    .slice(0, 64);
