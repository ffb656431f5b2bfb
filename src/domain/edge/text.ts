/*
 * Rules of what DynamoDB can store, as pure checks without a schema library, so that workflow code can use them, too.
 * Schemas use them through `schemas.ts`, and `parse.ts` applies them to every input.
 */

/** The use of a text. `line`: one line, such as a name. `lines`: line breaks and tabs are allowed, as in a note. */
export type TextUse = 'line' | 'lines';

/** The rule of `line` as a part of a sentence. */
export const LINE_RULE = 'must be well-formed Unicode without line breaks and control characters';
/** The rule of `lines` as a part of a sentence. */
export const LINES_RULE = 'must be well-formed Unicode without control characters other than line breaks and tabs';

/** Control characters (C0, DEL, C1) and the line and paragraph separators. */
const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029]/u;
/** Control characters other than tab, line feed and carriage return. */
const NOT_IN_LINES = /(?![\t\n\r])\p{Cc}/u;

/**
 * Returns the rule that a text breaks, as a part of a sentence, or undefined. DynamoDB refuses unpaired surrogates
 * (SerializationException).
 */
export function faultOfText(text: string, use: TextUse = 'lines'): string | undefined {
  const forbidden = use === 'line' ? NOT_IN_A_LINE : NOT_IN_LINES;
  if (text.isWellFormed() && !forbidden.test(text)) return undefined;
  return use === 'line' ? LINE_RULE : LINES_RULE;
}

/**
 * The numbers of DynamoDB: 0, or a magnitude from 1e-130 to 9.99…e125. Their 38 digits can hold every double.
 */
const SMALLEST = 1e-130;
const LARGEST = 9.99e125;
/** The rule of numbers as a part of a sentence. */
export const NUMBER_RULE = 'must be 0, or a number of a magnitude from 1e-130 to 9.99e125';

/** Returns the rule that a number breaks, as a part of a sentence, or undefined. */
export function faultOfNumber(value: number): string | undefined {
  const magnitude = Math.abs(value);
  return value === 0 || (magnitude >= SMALLEST && magnitude <= LARGEST) ? undefined : NUMBER_RULE;
}
