import { defined } from '../../domain/defined';
import { errorTypes, type FieldFault, isLongwatchError } from '../../domain/errors';

/** An HTTP error as RFC 9457 problem details. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    message: string,
    readonly extra: {
      errors?: FieldFault[];
      headers?: Record<string, string>;
      type?: string;
      title?: string;
      members?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Authentication required',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition failed',
  413: 'Content too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  428: 'Precondition required',
  429: 'Too many requests',
  500: 'Internal server error',
  503: 'Service unavailable',
};

/** Converts an error to a problem. Returns undefined for an unexpected error, whose message must not reach callers. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (isLongwatchError(error)) {
    const { faults, retryAfterSeconds, members, isOurFault } = error.detail;
    const status = isOurFault ? 500 : errorTypes[error.type].status;
    const retryAfter = retryAfterSeconds ?? (status === 503 ? 1 : undefined);
    return new Problem(status, error.message, {
      type: error.type,
      ...defined({ errors: faults, members }),
      ...(retryAfter !== undefined && { headers: { 'retry-after': String(retryAfter) } }),
    });
  }
  return bodyProblem(error);
}

/** Converts the errors of the body parser. */
function bodyProblem(error: unknown): Problem | undefined {
  const { type, status, message } = error as { type?: string; status?: number; message?: string };
  if (type === 'entity.too.large') return new Problem(413, 'The body is larger than this route accepts');
  if (type === 'entity.parse.failed') return new Problem(400, `The body is not valid JSON${positionIn(message)}`);
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new Problem(415, message ?? 'Unsupported encoding');
  if (error instanceof URIError) return new Problem(400, 'The path is not valid percent-encoding');
  // For example, a body that ends before its content-length.
  if (status !== undefined && status >= 400 && status < 500)
    return new Problem(status, message ?? 'The request is not valid');
  return undefined;
}

/**
 * Returns the position at which the JSON parser stopped. The parser's own message also quotes the body, which may
 * contain secrets and must not appear in answers or logs.
 */
function positionIn(message = ''): string {
  const position = /position (\d+)/.exec(message)?.[1];
  return position === undefined ? ' or is incomplete' : ` at position ${position}`;
}

/**
 * Returns the body of problem details as JSON. Their `instance` is the request id, which is in the log lines, too. If
 * an extra member cannot be serialised, all extra members are left out, so the response can be sent in any case.
 */
export function problemBody(problem: Problem, requestId: string): string {
  const { errors, type, title, members } = problem.extra;
  const body = {
    type: type ? `urn:longwatch:problem:${type}` : 'about:blank',
    title: title ?? titles[problem.status] ?? 'The request failed',
    status: problem.status,
    detail: problem.message,
    instance: `urn:longwatch:request:${requestId}`,
  };
  try {
    return JSON.stringify({ ...body, ...defined({ errors }), ...members });
  } catch {
    return JSON.stringify(body);
  }
}
