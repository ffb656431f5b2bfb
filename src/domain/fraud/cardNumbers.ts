/**
 * 13 to 19 digits as ISO/IEC 7812 has them, beginning with 2 to 6 as payment cards do; in groups as people write them.
 */
const CANDIDATE = /(?<!\d)[2-6](?:[ -]?\d){12,18}(?!\d)/g;

export const CARD_RULE = 'holds what looks like a card number; write its last four digits alone';

/** Whether a text holds a payment card's number. A tenth of all other numbers of that length look like one too. */
export function holdsCardNumber(text: string): boolean {
  return (text.match(CANDIDATE) ?? []).some((candidate) => isLuhn(candidate.replace(/\D/g, '')));
}

/** The check digit of ISO/IEC 7812-1, annex B. */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
