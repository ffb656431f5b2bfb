/**
 * All error types. An error that crosses an activity boundary has one of these as the type of its Temporal
 * `ApplicationFailure`. The type alone decides whether the error is final; code that catches an error does not.
 */
export const errorTypes = {
  /** The requested resource does not exist. */
  notFound: { final: true, status: 404 },
  /** The id is already used with other content, or the current state does not allow the request. */
  conflict: { final: true, status: 409 },
  /**
   * Another run of the same workflow has changed the row: this run was reset, or has a successor. It must continue from
   * the row.
   */
  superseded: { final: true, status: 409 },
  /** A checkout needs more stock than is available; nothing was reserved. */
  insufficientStock: { final: true, status: 409 },
  /** A payment for a checkout whose hold has ended or that is already paid; the payment must be refunded. */
  refundDue: { final: true, status: 409 },
  /** The version in If-Match is not the current one. */
  versionMismatch: { final: true, status: 412 },
  /** The input breaks a documented rule. */
  invalid: { final: true, status: 400 },
  /** Another writer won the race: read again and retry. */
  contention: { final: false, status: 503 },
  /** A service that this process calls is unavailable, late or failing. */
  unavailable: { final: false, status: 503 },
  /** The model endpoint answered, but not with scores. */
  badAnswer: { final: false, status: 503 },
  /**
   * A service (DynamoDB, Temporal, a notification channel) refuses this request permanently, so it is not retried. A
   * record of a stream becomes a dead letter; a step of a workflow is skipped or the workflow fails.
   */
  refused: { final: true, status: 422 },
} as const satisfies Record<string, { final: boolean; status: number }>;

/** The name of an error type. */
export type ErrorType = keyof typeof errorTypes;

/** A fault of one field of an input. */
export interface FieldFault {
  /** Path of the faulty field, e.g. `location.latitude`. */
  field: string;
  /** The fault and the rule, as a part of a sentence: "must be between -90 and 90". */
  message: string;
}

/** A typed error with a message for people and, for invalid input, the faulty fields. */
export class LongwatchError extends Error {
  override readonly name = 'LongwatchError';

  constructor(
    readonly type: ErrorType,
    message: string,
    readonly detail: {
      faults?: FieldFault[];
      retryAfterSeconds?: number;
      /** Further members of the problem details (RFC 9457), for programs. */
      members?: Readonly<Record<string, unknown>>;
      /** Whether only an operator can fix it, such as a missing grant; the API answers 500. */
      isOurFault?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
  }

  get final(): boolean {
    return errorTypes[this.type].final;
  }
}

/** Returns whether an error is a {@link LongwatchError}, and of this type if one is given. */
export function isLongwatchError(error: unknown, type?: ErrorType): error is LongwatchError {
  return error instanceof LongwatchError && (type === undefined || error.type === type);
}

/** Names of errors that are defects of this code: the same input causes them again. */
const DEFECTS = /^(TypeError|RangeError|SyntaxError|URIError)$/;

/**
 * Returns whether a retry of the same work cannot help: the error is typed and final, or a defect of this code. `fetch`
 * throws a TypeError, too, when it cannot connect; that error is not permanent.
 */
export function isPermanent(error: unknown): boolean {
  if (isLongwatchError(error)) return error.final;
  const { name = '', message = '' } = (error ?? {}) as Partial<Error>;
  return DEFECTS.test(name) && !message.includes('fetch failed');
}

/** Returns the reason for a dead letter. Messages of untyped errors may quote the record, so only the log has them. */
export function reasonOf(error: unknown): string {
  if (isLongwatchError(error)) return error.message;
  return (
    `Longwatch could not process it (${(error as Partial<Error> | undefined)?.name ?? typeof error}). This is a ` +
    'defect; the log has the details'
  );
}
