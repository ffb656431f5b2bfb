import { shownName } from './names';

/** The members of a raw zod issue that a message needs. */
interface RawIssue {
  code?: string | undefined;
  expected?: string;
  input?: unknown;
  origin?: string;
  minimum?: number | bigint;
  maximum?: number | bigint;
  inclusive?: boolean;
  format?: string;
  values?: readonly unknown[];
  keys?: readonly string[];
}

const expectations: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number that a double holds exactly',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const formats: Readonly<Record<string, string>> = {
  datetime: 'an instant in ISO 8601 ("2026-01-31T12:00:00Z")',
  url: 'a URL',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
};

/** Returns the rule that a value breaks, as a part of a sentence, for issues whose schema has no message of its own. */
export function defaultSentence(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const found = issue.input === undefined ? '' : `, found ${kindOf(issue.input)}`;
      return `must be ${expectations[issue.expected ?? ''] ?? issue.expected}${found}`;
    }
    case 'too_small':
      return `must ${bound(issue, issue.inclusive === false ? 'over' : 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${bound(issue, issue.inclusive === false ? 'below' : 'at most', issue.maximum)}`;
    case 'invalid_format':
      return issue.format !== undefined && issue.format in formats
        ? `must be ${formats[issue.format]}`
        : 'has characters that are not allowed';
    case 'invalid_value':
      return `must be one of ${(issue.values ?? []).map((value) => JSON.stringify(value)).join(', ')}`;
    case 'unrecognized_keys':
      return unknownFields(issue.keys ?? []);
    case 'invalid_union':
      return 'has none of the forms that are allowed';
    default:
      return 'is not valid';
  }
}

/** Returns the message about unknown fields; it names at most ten. */
export const unknownFields = (keys: readonly string[]): string =>
  `has unknown fields: ${keys.slice(0, 10).map(shownName).join(', ')}${keys.length > 10 ? ', …' : ''}`;

function bound({ origin }: RawIssue, how: string, limit: number | bigint | undefined): string {
  if (origin === 'string') return `have ${how} ${limit} characters`;
  return origin === 'array' || origin === 'set' ? `hold ${how} ${limit} entries` : `be ${how} ${limit}`;
}

/** Returns the kind of a value without its content, which may be confidential in answers and logs. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'string' ? 'a text' : typeof value === 'boolean' ? 'a boolean' : 'an object';
}
