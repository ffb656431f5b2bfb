/**
 * Matches 13 to 19 digits (ISO/IEC 7812) that begin with 2 to 6, as payment cards do, with optional spaces or hyphens
 * between the digits.
 */
const CANDIDATE = /(?<!\d)[2-6](?:[ -]?\d){12,18}(?!\d)/g;

/** The message that refuses a text with a card number, after the name of its field. */
export const CARD_RULE = 'contains a number that looks like a card number; write only its last four digits';

/** Returns whether a text contains a payment card's number. One in ten other numbers of that form match, too. */
export function holdsCardNumber(text: string): boolean {
  return (text.match(CANDIDATE) ?? []).some((candidate) => isLuhn(candidate.replace(/\D/g, '')));
}

/** Checks the check digit of ISO/IEC 7812-1, annex B. */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
