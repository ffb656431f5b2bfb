import { faultOfText } from './text';

/** Names of JavaScript's object properties. An object with free names could lose such a member or change prototype. */
export const reservedNames = ['__proto__', 'constructor', 'prototype'] as const;
/** The rule of names as a part of a sentence. */
export const NAME_RULE = `must not be one of the reserved names ${reservedNames.join(', ')}`;

/** Returns the source of a regular expression's alternatives, each of which matches one of the names up to the end. */
export const exactly = (names: readonly string[]): string => names.map((name) => `${name}$`).join('|');

/** Returns the names as a part of a sentence: `"a", "b" or "c"`. */
export const orOf = (names: readonly string[]): string => {
  const quoted = names.map((name) => `"${name}"`);
  return [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].filter((part) => part !== '').join(' or ');
};

/** Returns the rule that a property's name breaks, as a part of a sentence, or undefined. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return 'must not have an empty name';
  return (reservedNames as readonly string[]).includes(name) ? NAME_RULE : faultOfText(name, 'line');
}

/** Makes a name that a caller sent safe for a message, a log line and a dead letter's reason; at most 64 characters. */
export const shownName = (name: string): string =>
  name
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]/gu, '\ufffd')
    .slice(0, 64);
