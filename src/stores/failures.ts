import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { isWireFault } from '../gateways/awsHttp';
import { LongwatchError } from '../domain/errors';

/**
 * How a call to DynamoDB failed, which decides what its caller may do:
 *   away     DynamoDB does not answer, is overloaded, or does not know this process's credentials: retry
 *   race     another write came first: the store that set the condition knows which race it lost
 *   refused  DynamoDB will never take this request: retrying it cannot help
 */
export type StoreFailure = 'away' | 'race' | 'refused';

/** A reason in a cancelled transaction that another write caused. */
const isRaceCode = (code: string): boolean => /^(ConditionalCheckFailed|TransactionConflict|DuplicateItem)$/.test(code);
const isThrottlingName = (name: string): boolean =>
  /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded/.test(name);

/** A reason in a cancelled transaction that passes: another write holds the item, or its partition is throttled. */
export const isContentionCode = (code: string): boolean => code === 'TransactionConflict' || isThrottlingName(code);

/**
 * These say nothing about the data: credentials that expired or are not known yet, a clock that is wrong, a table that
 * is still missing.
 */
const PASSING = new RegExp(
  '^(Expired|UnrecognizedClient|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|' +
    'RequestTimeTooSkewed|CredentialsProviderError|ResourceNotFound|TransactionInProgress)',
);

/**
 * Sorts a failure. A cancelled transaction is sorted by its reasons: a race if any item lost one, because the store
 * reads
 * again and a refused item then stands alone; else refused if any item is refused; else throttled.
 * @param sent whether the request left this process: what the client itself cannot express is refused, whatever its
 *   class.
 * @returns undefined for what is none of the three: a fault in our own code.
 */
export function storeFailureOf(error: unknown, sent = true): StoreFailure | undefined {
  const codes = cancellationCodes(error)?.filter((code) => code !== 'None');
  if (codes)
    return codes.length === 0 || codes.some(isRaceCode) ? 'race' : codes.every(isThrottlingName) ? 'away' : 'refused';
  if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException) return 'race';
  if (!(error instanceof Error)) return undefined;
  if (isAway(error) || PASSING.test(error.name)) return 'away';
  if (!sent || (error as { $fault?: string }).$fault === 'client') return 'refused';
  return undefined;
}

/** A failure as callers meet it: races and faults of our own code as they are, the others as typed errors. */
export function typedStoreFailure(error: unknown, sent: boolean): unknown {
  switch (storeFailureOf(error, sent)) {
    case 'away':
      return new LongwatchError('unavailable', awayText(error as Error), { retryAfterSeconds: 1, cause: error });
    case 'refused':
      return new LongwatchError('refused', refusedText(error as Error, sent), {
        cause: error,
        ...(isDenied(error) && { isOurFault: true }),
      });
    default:
      return error;
  }
}

/** A race that was lost, which a store expects and handles. */
export function isConditionFailure(error: unknown): boolean {
  return (
    error instanceof ConditionalCheckFailedException ||
    error instanceof TransactionCanceledException ||
    error instanceof TransactionConflictException
  );
}

/** Per item of a cancelled transaction: `None`, `ConditionalCheckFailed`, `TransactionConflict`, …; else undefined. */
export function cancellationCodes(error: unknown): string[] | undefined {
  if (!(error instanceof TransactionCanceledException)) return undefined;
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}

/** Network faults, server faults, throttling and our own deadline: nothing is known about the data itself. */
export function isAway(error: unknown): boolean {
  if (isConditionFailure(error)) return false;
  if (!(error instanceof Error)) return false;
  const { $metadata, $fault } = error as { $metadata?: { httpStatusCode?: number }; $fault?: string };
  if (isThrottlingName(error.name)) return true;
  if ($fault === 'server' || ($metadata?.httpStatusCode ?? 0) >= 500) return true;
  return isWireFault(error);
}

function awayText({ name, message }: Error): string {
  if (name === 'AbortError') return 'DynamoDB did not answer within the deadline; retry with the same id';
  if (isThrottlingName(name) || /Throttl|ProvisionedThroughput/.test(message))
    return 'DynamoDB is throttling; retry with the same id';
  if (name.startsWith('ResourceNotFound'))
    return 'A table is missing in DynamoDB; create it (npm run tables), then retry with the same id';
  if (PASSING.test(name))
    return `DynamoDB does not accept the credentials of this process (${name}); retry with the same id`;
  return 'DynamoDB cannot be reached; retry with the same id';
}

/** This process lacks a grant: an operator's matter, of which a caller can mend nothing. */
const isDenied = (error: unknown): boolean =>
  (error as Error).name.startsWith('AccessDenied') || /AccessDenied/.test(cancellationCodes(error)?.join() ?? '');

/** Long enough to name what is wrong, short enough for a letter, a page and a problem document. */
const LONGEST = 300;

/** A sentence for people. The client's own messages quote the value that they refuse, so they are replaced. */
function refusedText(error: Error, sent: boolean): string {
  const { name, message } = error;
  if (isDenied(error))
    return 'DynamoDB denies this process the call: grant it (deploy/access.ts), then send the same again';
  if (!sent) {
    if (/MAX_SAFE_INTEGER/.test(message))
      return 'DynamoDB cannot store it: a number is larger than can be kept exactly';
    if (/Special numeric/.test(message)) return 'DynamoDB cannot store it: a number is not finite';
    if (error instanceof RangeError) return 'DynamoDB cannot store it: it is nested too deeply';
    return 'DynamoDB cannot store it: a value is of a type that it does not have';
  }
  if (name.startsWith('Serialization'))
    return 'DynamoDB cannot store it: a text is not well-formed Unicode, or a value is malformed';
  const reasons =
    error instanceof TransactionCanceledException
      ? (error.CancellationReasons ?? []).flatMap(({ Message }) => Message ?? [])
      : [message];
  return `DynamoDB cannot store it: ${(reasons[0] ?? name).slice(0, LONGEST).toWellFormed()}`;
}
