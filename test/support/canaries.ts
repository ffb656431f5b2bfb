import { randomBytes } from 'node:crypto';

/** Digits with the check digit that makes a card number of them (Luhn). */
export function withCheckDigit(digits: string): string {
  const doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
  const sum = [...digits]
    .toReversed()
    .reduce((total, digit, i) => total + (i % 2 === 0 ? (doubled[Number(digit)] ?? 0) : Number(digit)), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

/** Things that must not be found, each with what it is. */
export class Canaries {
  private readonly values = new Map<string, string>();
  private cards = 0;

  /** A secret that no text has by chance. */
  secret(what: string, length = 24): string {
    return this.note(what, `canary${randomBytes(length).toString('hex').slice(0, length)}`);
  }

  /** A value that came up on the way, as a cookie does. */
  note(what: string, value: string): string {
    if (value.length < 12) throw new Error(`${what} is too short to be looked for: it would be found by chance`);
    this.values.set(what, value);
    return value;
  }

  /** A card number, valid by its check digit, for one field. */
  card(field: string): string {
    return this.note(`card in ${field}`, withCheckDigit(`40000012345${String(this.cards++).padStart(4, '0')}`));
  }

  get names(): string[] {
    return [...this.values.keys()];
  }

  /** What of it a text holds, plain or as it may be written: percent-encoded, in base64, in groups of four. */
  foundIn(text: string, except: (what: string) => boolean = () => false): string[] {
    return [...this.values]
      .filter(([what, value]) => !except(what) && writings(value).some((writing) => text.includes(writing)))
      .map(([what]) => what);
  }
}

function writings(value: string): string[] {
  return [
    value,
    encodeURIComponent(value),
    // In the middle of other bytes, at each of the three places in base64.
    ...[0, 1, 2].map((offset) =>
      Buffer.concat([Buffer.alloc(offset), Buffer.from(value)])
        .toString('base64')
        .slice(offset === 0 ? 0 : offset + 1, -4),
    ),
    ...(/^\d+$/.test(value) ? [value.match(/.{1,4}/g)!.join(' '), value.match(/.{1,4}/g)!.join('-')] : []),
  ];
}
