import type { Router as ExpressRouter } from 'express';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { Caller, Role } from '../../domain/platform/caller';
import { faultOfDepth } from '../../domain/edge/json';
import { parse, sentenceOf } from '../../domain/edge/parse';
import { lineOf } from '../../domain/edge/schemas';
import type { FieldFault } from '../../domain/errors';
import type { LoadClass } from '../../domain/platform/loadClass';
import type { Admission } from '../admission/admission';
import type { BrowserSession, SessionFrame } from '../sessions/browserSession';
import type { CallerLimits } from '../admission/callerLimits';
import { noteIds } from '../../telemetry/ids';
import { Problem } from './problem';
import { ReplyGuard } from './replyGuard';
import { idsOfRequest, type RequestIds } from './requestIds';

/**
 * How a route is written: one object that says everything about it, made by `route({...})`. Express routes,
 * validation, role checks and the OpenAPI document are all made from it, so none can be forgotten:
 *
 *     route({
 *       method: 'get', path: '/v1/things/:id', operationId: 'getThing', tag: 'things', loadClass: 'interactive',
 *       summary: 'One thing', roles: ['service', 'admin'], params: z.object({ id: idSchema }),
 *       responses: { 200: { description: 'The thing', schema: thingSchema }, 404: { description: 'No such thing' } },
 *       handler: async ({ params }) => ({ status: 200, body: await things.find(params.id) }),
 *     })
 *
 * A handler throws LongwatchError or Problem; what it throws becomes problem details.
 */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Express path; parameters as `:name`. */
  path: string;
  operationId: string;
  tag: string;
  /** What it shares the process with under load, by which budget it may wait, and what its deadline is. */
  loadClass: LoadClass;
  summary: string;
  /** Roles that may call it, or `public`. `admin` may call everything. */
  roles: readonly Role[] | 'public';
  /**
   * Customers may call it for what is not their own; where this is not set, the handler refuses that (cartOwner.ts).
   */
  shared?: boolean;
  params?: z.ZodType<P>;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  /** Also take `application/x-www-form-urlencoded`, for pages without scripts. */
  form?: boolean;
  /** Bytes; default 64 KiB. */
  bodyLimit?: number;
  /** The handler passes the body's items to `parse` one by one, so that a wrong one keeps none of the others out. */
  checksItems?: boolean;
  /** Brings the session that the browser's cookie names to the handler, and its cookie back to the browser. */
  session?: SessionFrame;
  /** Ids that log lines about its requests show; set for all routes of a capability at once. */
  requestIds?: RequestIds;
  /** Headers that the caller may or must send, for the document. */
  headers?: readonly { name: string; required: boolean; description: string }[];
  responses: Readonly<Record<number, { description: string; schema?: z.ZodType; contentType?: string }>>;
  handler(input: RouteInput<P, Q, B>): Promise<Reply>;
}

export interface RouteInput<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** The authenticated caller; on public routes nobody. */
  caller: Caller;
  /** On routes with a session frame. */
  session: BrowserSession | undefined;
  header(name: string): string | undefined;
}

export interface Reply {
  status: number;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, with its content type. */
  raw?: { content: string; contentType: string };
  /** Writes the body itself, for as long as it likes; see `eventStream`. */
  stream?(response: Response): void;
  headers?: Record<string, string>;
}

export type AnyRoute = Route<never, never, never>;

/** Keeps the types of a route's parts together. */
export function route<P = Record<string, never>, Q = Record<string, never>, B = undefined>(
  definition: Route<P, Q, B>,
): AnyRoute {
  return definition as unknown as AnyRoute;
}

const NOBODY: Caller = { name: 'nobody', role: 'customer', via: 'api-key' };
const DEFAULT_LIMIT = 64 * 1024;
const headerSchema = lineOf(1, 255);

export interface RouterParts {
  /** Authenticates a request. @throws Problem 401 or 429 */
  authenticate(request: Request): Promise<Caller>;
  /** How often each caller may call; default as often as it likes. */
  callerLimits?: CallerLimits;
  /** Which requests wait, and which are refused; default none. */
  admission?: Admission;
  /** Milliseconds that a handler has, by its route's load class. Default 30,000. */
  deadlines?: Readonly<Record<LoadClass, number>>;
}

const DEADLINE_MS = 30_000;

/** An express router of all routes; a known path with another method answers 405 with what is allowed. */
export function expressRouter(routes: readonly AnyRoute[], parts: RouterParts): ExpressRouter {
  const router = express.Router();
  const methods = new Map<string, string[]>();
  for (const one of routes) {
    const deadlineMs = parts.deadlines?.[one.loadClass] ?? DEADLINE_MS;
    const chain: RequestHandler[] = [authorise(one, parts, deadlineMs)];
    if (one.body) chain.push(...bodyParsers(one));
    // Work begins here: with the whole body, and before anything is asked of a store.
    chain.push(async (request, response, next) => {
      const guard = ReplyGuard.of(response);
      await parts.admission?.enter(request);
      guard.onEnd(() => parts.admission?.leave(request, one.operationId, response.locals['completed'] === true));
      guard.within(deadlineMs, late(deadlineMs));
      next();
    });
    if (one.session) chain.push(one.session.middleware);
    router[one.method](one.path, ...chain, async (request, response) => {
      await serve(one as unknown as Route<unknown, unknown, unknown>, request, response, () =>
        parts.admission?.leave(request, one.operationId, true),
      );
    });
    methods.set(one.path, [...(methods.get(one.path) ?? []), one.method.toUpperCase()]);
  }
  // What is spelled out before what a parameter matches too.
  for (const [path, allowed] of [...methods].sort(([a], [b]) => a.split(':').length - b.split(':').length))
    router.all(path, (request) => {
      throw new Problem(405, `${request.method} is not allowed here; ${allowed.join(', ')} is`, {
        headers: { allow: allowed.join(', ') },
      });
    });
  return router;
}

/** What a client is told whose request was not done in time. Its handler may go on; what it replies is dropped. */
const late = (ms: number): Problem =>
  new Problem(
    504,
    `The request was not completed within ${ms} ms and may still take effect. Repeat it with the same ids to ` +
      'learn its result',
    {
      type: 'deadline-exceeded',
      title: 'Deadline exceeded',
      headers: { 'retry-after': '1' },
    },
  );

function authorise(one: AnyRoute, parts: RouterParts, deadlineMs: number): RequestHandler {
  return async (request, response, next) => {
    response.locals['route'] = one.path;
    if (one.roles !== 'public') {
      const guard = ReplyGuard.of(response);
      guard.within(deadlineMs, late(deadlineMs));
      const caller = await parts.authenticate(request);
      if (parts.callerLimits) response.set(parts.callerLimits.take(caller));
      if (caller.role !== 'admin' && !one.roles.includes(caller.role))
        throw new Problem(
          403,
          `This needs one of the roles ${[...one.roles, 'admin'].join(', ')}; you have ${caller.role}`,
        );
      response.locals['caller'] = caller;
      if (guard.ended) return;
      // While a body arrives it is the server's request timeout that counts.
      guard.release();
    }
    next();
  };
}

function bodyParsers(one: AnyRoute): RequestHandler[] {
  const limit = one.bodyLimit ?? DEFAULT_LIMIT;
  const accepted = ['application/json', ...(one.form ? ['application/x-www-form-urlencoded'] : [])];
  const contentType: RequestHandler = (request, _response, next) => {
    // Without a body it is the schema that has something to say.
    const isEmpty = request.headers['content-length'] === '0' || request.is(accepted) === null;
    if (!isEmpty && request.is(accepted) === false)
      throw new Problem(
        415,
        `The content type must be ${accepted.join(' or ')}, found ${request.headers['content-type'] ?? 'none'}`,
      );
    next();
  };
  return [
    contentType,
    express.json({ limit, strict: false }),
    ...(one.form ? [express.urlencoded({ limit, extended: false })] : []),
    depthLimit,
  ];
}

async function serve(
  one: Route<unknown, unknown, unknown>,
  request: Request,
  response: Response,
  onDone: () => void,
): Promise<void> {
  const faults: FieldFault[] = [];
  const input = {
    params: parsed(one.params, request.params, 'path', faults),
    query: parsed(one.query, request.query, 'query', faults),
    body: parsed(one.body, request.body as unknown, '', faults, !one.checksItems),
    caller: (response.locals['caller'] as Caller | undefined) ?? NOBODY,
    session: one.session?.of(request),
    header: (name: string) => request.get(name),
  };
  for (const { name } of one.headers ?? []) checkHeader(name, request.get(name), faults);
  if (faults.length > 0) {
    throw new Problem(400, sentenceOf(faults, 'the body'), { errors: faults, type: 'invalid' });
  }
  if (one.requestIds) noteIds(idsOfRequest(one.path, one.requestIds, input.params, input.body));
  const reply = await one.handler(input);
  const guard = ReplyGuard.of(response);
  // The deadline has answered, or the client has gone.
  if (guard.ended) return;
  const body = reply.body === undefined ? undefined : JSON.stringify(reply.body);
  response.status(reply.status).set(reply.headers ?? {});
  // A session is saved before the reply ends; that is still work. Sending the reply is none, however slowly the client
  // reads.
  response.locals['completed'] = true;
  guard.replying = true;
  if (!one.session || reply.stream) onDone();
  if (reply.stream) {
    response.locals['streamSince'] = performance.now();
    guard.release();
    // Who asks for the head alone does not wait for the rest.
    if (request.method === 'HEAD') response.end();
    else reply.stream(response);
  } else if (reply.raw) response.type(reply.raw.contentType).send(reply.raw.content);
  else if (body === undefined) response.end();
  else response.type('application/json').send(body);
}

function parsed(
  schema: z.ZodType | undefined,
  input: unknown,
  where: string,
  faults: FieldFault[],
  walks = true,
): unknown {
  if (!schema) return {};
  const result = parse(schema, input, { walks });
  if (!result.faults) return result.value;
  if (input === undefined) faults.push({ field: where, message: 'is missing; send JSON' });
  else
    faults.push(
      ...result.faults.map(({ field, message }) => ({ field: where ? `${where}.${field}` : field, message })),
    );
  return undefined;
}

/** A header that a route declares may be kept, as an idempotency key is: it has the bounds of a text of one line. */
function checkHeader(name: string, value: string | undefined, faults: FieldFault[]): void {
  if (value === undefined) return;
  for (const { message } of parse(headerSchema, value).faults ?? []) faults.push({ field: `header.${name}`, message });
}

/** Answers 400 to a body that is nested too deep, before anything walks it by recursion. */
const depthLimit: RequestHandler = (request, _response, next) => {
  const fault = faultOfDepth(request.body as unknown);
  if (fault) throw new Problem(400, sentenceOf([fault], 'the body'), { errors: [fault], type: 'invalid' });
  next();
};
