import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { isWireFault } from '../gateways/aws/http';
import { LongwatchError } from '../domain/errors';
import { UnstorableError } from './documentJson';

/**
 * The class of a failed DynamoDB call, which decides what the caller may do:
 * - `away`: DynamoDB is unavailable: it does not answer, is overloaded, or does not accept this process's credentials.
 *   Retry.
 * - `race`: another write came first. The store that set the condition knows which race it lost.
 * - `refused`: DynamoDB will never accept this request. A retry cannot help.
 */
export type StoreFailure = 'away' | 'race' | 'refused';

/** Whether another write caused this reason of a cancelled transaction. */
const isRaceCode = (code: string): boolean => /^(ConditionalCheckFailed|TransactionConflict|DuplicateItem)$/.test(code);
const isThrottlingName = (name: string): boolean =>
  /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded/.test(name);

/**
 * Whether a reason of a cancelled transaction is temporary: another transaction writes the item, or its partition is
 * throttled.
 */
export const isContentionCode = (code: string): boolean => code === 'TransactionConflict' || isThrottlingName(code);

/**
 * Errors that are unrelated to the data: expired or unknown credentials, a wrong clock, a table that does not exist
 * yet.
 */
const PASSING = new RegExp(
  '^(Expired|UnrecognizedClient|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|' +
    'RequestTimeTooSkewed|CredentialsProviderError|ResourceNotFound|TransactionInProgress)',
);

/**
 * Classifies a failure. A cancelled transaction is classified by its reasons: `race` if any item lost a race, because
 * the store then reads again and a refused item is found by the next attempt; otherwise `refused` if any item is
 * refused; otherwise `away` (throttled).
 * @returns undefined for any other error: a bug in our own code.
 */
export function storeFailureOf(error: unknown): StoreFailure | undefined {
  const codes = cancellationCodes(error)?.filter((code) => code !== 'None');
  if (codes)
    return codes.length === 0 || codes.some(isRaceCode) ? 'race' : codes.every(isThrottlingName) ? 'away' : 'refused';
  if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException) return 'race';
  if (!(error instanceof Error)) return undefined;
  if (isUnavailable(error) || PASSING.test(error.name)) return 'away';
  if (error instanceof UnstorableError || (error as { $fault?: string }).$fault === 'client') return 'refused';
  return undefined;
}

/** Returns the error that the caller gets: a race or a bug unchanged, any other failure as a LongwatchError. */
export function typedStoreFailure(error: unknown): unknown {
  switch (storeFailureOf(error)) {
    case 'away':
      return new LongwatchError('unavailable', awayText(error as Error), { retryAfterSeconds: 1, cause: error });
    case 'refused':
      return new LongwatchError('refused', refusedText(error as Error), {
        cause: error,
        ...(isDenied(error) && { isOurFault: true }),
      });
    default:
      return error;
  }
}

/** Whether the error is a lost race, which a store expects and handles. */
export function isConditionFailure(error: unknown): boolean {
  return (
    error instanceof ConditionalCheckFailedException ||
    error instanceof TransactionCanceledException ||
    error instanceof TransactionConflictException
  );
}

/**
 * Returns the code of each item of a cancelled transaction: `None`, `ConditionalCheckFailed`, `TransactionConflict`, …
 * Returns undefined for any other error.
 */
export function cancellationCodes(error: unknown): string[] | undefined {
  if (!(error instanceof TransactionCanceledException)) return undefined;
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}

/**
 * Whether DynamoDB was unavailable: a network failure, a server error, throttling, or our own deadline. The error says
 * nothing about the data.
 */
export function isUnavailable(error: unknown): boolean {
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

/** Whether this process lacks a grant. Only an operator can correct that, not the caller. */
const isDenied = (error: unknown): boolean =>
  (error as Error).name.startsWith('AccessDenied') || /AccessDenied/.test(cancellationCodes(error)?.join() ?? '');

/**
 * Maximum length of a quoted reason: long enough to name the fault, short enough for a dead letter, a page and a
 * problem document.
 */
const LONGEST = 300;

/**
 * Returns the detail of the error. It does not contain the client's own messages, because they quote the refused value.
 */
function refusedText(error: Error): string {
  const { name, message } = error;
  if (isDenied(error))
    return 'DynamoDB denies this process the call: grant it (grants.ts of the capability), then send the request again';
  if (error instanceof UnstorableError) return unstorableText(error.cause as Error);
  if (name.startsWith('Serialization'))
    return 'DynamoDB cannot store it: a text is not well-formed Unicode, or a value is malformed';
  const reasons =
    error instanceof TransactionCanceledException
      ? (error.CancellationReasons ?? []).flatMap(({ Message }) => Message ?? [])
      : [message];
  return `DynamoDB cannot store it: ${(reasons[0] ?? name).slice(0, LONGEST).toWellFormed()}`;
}

function unstorableText(cause: Error): string {
  if (/MAX_SAFE_INTEGER/.test(cause.message))
    return 'DynamoDB cannot store it: a number is too large to be stored exactly';
  if (/Special numeric/.test(cause.message)) return 'DynamoDB cannot store it: a number is not finite';
  if (cause instanceof RangeError) return 'DynamoDB cannot store it: it is nested too deeply';
  return 'DynamoDB cannot store it: a value has a type that DynamoDB does not support';
}
