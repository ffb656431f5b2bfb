/**
 * The one list of error types. An error that crosses an activity boundary carries one of these as its
 * Temporal `ApplicationFailure` type; whether it is final is decided here, where the error is named,
 * never where it is caught.
 */
export const errorTypes = {
  /** The thing asked for does not exist. */
  notFound: { final: true, status: 404 },
  /** Same id, other content; or a state that does not allow what was asked. */
  conflict: { final: true, status: 409 },
  /**
   * Another run of the same workflow has moved the row on: this one was reset, or has a successor. It must go on from
   * the row.
   */
  superseded: { final: true, status: 409 },
  /** A checkout wants more than there is; nothing was held. */
  insufficientStock: { final: true, status: 409 },
  /** A payment for a checkout that is no longer held, or paid already: it must be given back. */
  refundDue: { final: true, status: 409 },
  /** The version that the caller read is not the current one (If-Match). */
  versionMismatch: { final: true, status: 412 },
  /** The input breaks a documented rule. */
  invalid: { final: true, status: 400 },
  /** Another writer won this time: read again and retry. */
  contention: { final: false, status: 503 },
  /** A part that we call is away, late or failing. */
  unavailable: { final: false, status: 503 },
  /** The model endpoint answered, but not with scores. */
  badAnswer: { final: false, status: 503 },
  /**
   * A service that we call (DynamoDB, Temporal, a message channel) will never take this request: sending it again
   * cannot
   * help. Nothing retries it. A record of a stream becomes a dead letter, a step of a workflow is skipped or the
   * workflow fails.
   */
  refused: { final: true, status: 422 },
} as const satisfies Record<string, { final: boolean; status: number }>;

export type ErrorType = keyof typeof errorTypes;

export interface FieldFault {
  /** Path of the faulty field, e.g. `location.latitude`. */
  field: string;
  /** What is wrong and what is wanted, as a sentence part: "must be between -90 and 90". */
  message: string;
}

/** An error of ours: typed, with a sentence for people and, for invalid input, the faulty fields. */
export class LongwatchError extends Error {
  override readonly name = 'LongwatchError';

  constructor(
    readonly type: ErrorType,
    message: string,
    readonly detail: {
      faults?: FieldFault[];
      retryAfterSeconds?: number;
      /** Further members of the problem details, for programs. */
      members?: Readonly<Record<string, unknown>>;
      /** The caller can mend nothing: a grant is missing, say. Answered as a 500. */
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

export function isLongwatchError(error: unknown, type?: ErrorType): error is LongwatchError {
  return error instanceof LongwatchError && (type === undefined || error.type === type);
}

/** Faults of our own code that the same input raises again. */
const DEFECTS = /^(TypeError|RangeError|SyntaxError|URIError)$/;

/**
 * Returns whether retrying the same work cannot help: the error is typed and final, or the input hits a defect of our
 * own
 * code. A `fetch` that finds no server is a TypeError, too, and passes.
 */
export function isPermanent(error: unknown): boolean {
  if (isLongwatchError(error)) return error.final;
  const { name = '', message = '' } = (error ?? {}) as Partial<Error>;
  return DEFECTS.test(name) && !message.includes('fetch failed');
}

/**
 * Returns a sentence for a dead letter. Messages of untyped errors may quote the record, so they are left to the log.
 */
export function reasonOf(error: unknown): string {
  if (isLongwatchError(error)) return error.message;
  return (
    `Longwatch failed on it (${(error as Partial<Error> | undefined)?.name ?? typeof error}): a defect, described ` +
    'in the log'
  );
}
