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
import type { BrowserSession } from '../sessions/browserSession';
import type { SessionFrame } from '../sessions/sessionFrame';
import type { CallerLimits } from '../admission/callerLimits';
import { noteIds } from '../../telemetry/ids';
import { Problem } from './problem';
import { wantsPage } from './page';
import { ReplyGuard } from './replyGuard';
import { idsOfRequest, type RequestIds } from './loggedIds';

/**
 * A route, declared in one object with `route({...})`. The Express routes, the validation, the role checks and the
 * OpenAPI document are all made from it, so none can be forgotten:
 *
 *     route({
 *       method: 'get', path: '/v1/things/:id', operationId: 'getThing', tag: 'things', loadClass: 'interactive',
 *       summary: 'A thing', roles: ['service', 'admin'], params: z.object({ id: idSchema }),
 *       responses: { 200: { description: 'The thing', schema: thingSchema }, 404: { description: 'No such thing' } },
 *       handler: async ({ params }) => ({ status: 200, body: await things.find(params.id) }),
 *     })
 *
 * A handler throws LongwatchError or Problem, which become problem details.
 */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Express path; parameters as `:name`. */
  path: string;
  operationId: string;
  tag: string;
  /** Load class: decides the route's share of the slots under load, its maximum wait for a slot, and its deadline. */
  loadClass: LoadClass;
  summary: string;
  /** Roles that may call the route, or `public`. `admin` may call every route. */
  roles: readonly Role[] | 'public';
  /**
   * Customers may call the route for data that is not their own. If it is not set, the handler must refuse such calls
   * (carts/cartAccess.ts).
   */
  shared?: boolean;
  params?: z.ZodType<P>;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  /** Also accepts `application/x-www-form-urlencoded`, for HTML forms. */
  form?: boolean;
  /** Customers open the route in a browser. An error is a page where the request prefers HTML. */
  isPage?: boolean;
  /** Maximum size of the body in bytes. Default 64 KiB. */
  bodyLimit?: number;
  /**
   * The handler validates the body's items one by one with `parse`, so that one invalid item does not reject the
   * others.
   */
  checksItems?: boolean;
  /** Loads the session that the browser's cookie names, and sets the cookie in the response. */
  session?: SessionFrame;
  /** Ids of its requests that log lines show. Set for all routes of a capability at once. */
  requestIds?: RequestIds;
  /** Headers that the caller may or must send. They are validated and listed in the OpenAPI document. */
  headers?: readonly { name: string; required: boolean; description: string }[];
  responses: Readonly<Record<number, { description: string; schema?: z.ZodType; contentType?: string }>>;
  handler(input: RouteInput<P, Q, B>): Promise<Reply>;
}

/** A validated request, as a handler gets it. */
export interface RouteInput<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** The authenticated caller. On public routes a placeholder named `nobody`. */
  caller: Caller;
  /** The browser's session, on routes with `session` set. */
  session: BrowserSession | undefined;
  header(name: string): string | undefined;
}

/** A handler's reply. */
export interface Reply {
  status: number;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent unchanged, with its content type. */
  raw?: { content: string; contentType: string };
  /** Writes the body itself, for as long as the connection stays open; see `eventStream`. */
  stream?(response: Response): void;
  headers?: Record<string, string>;
}

/** A route whose types of parameters, query and body are erased. */
export type AnyRoute = Route<never, never, never>;

/** Declares a route and infers its types, so that the handler's input matches the schemas. */
export function route<P = Record<string, never>, Q = Record<string, never>, B = undefined>(
  definition: Route<P, Q, B>,
): AnyRoute {
  return definition as unknown as AnyRoute;
}

const NOBODY: Caller = { name: 'nobody', role: 'customer', via: 'api-key' };
const DEFAULT_LIMIT = 64 * 1024;
const headerSchema = lineOf(1, 255);

/** What the router needs besides the routes. */
export interface RouterParts {
  /** Authenticates a request. @throws Problem 401 or 429 */
  authenticate(request: Request): Promise<Caller>;
  /** Rate limits of the callers. Default: none. */
  callerLimits?: CallerLimits;
  /** Admission control. Default: none; every request runs at once. */
  admission?: Admission;
  /** Milliseconds that a handler may take, by the load class of its route. Default 30,000. */
  deadlines?: Readonly<Record<LoadClass, number>>;
}

const DEADLINE_MS = 30_000;

/** Returns an Express router of all routes. A known path with another method answers 405 and the header Allow. */
export function expressRouter(routes: readonly AnyRoute[], parts: RouterParts): ExpressRouter {
  const router = express.Router();
  const methods = new Map<string, string[]>();
  for (const one of routes) {
    const deadlineMs = parts.deadlines?.[one.loadClass] ?? DEADLINE_MS;
    const chain: RequestHandler[] = [authorise(one, parts, deadlineMs)];
    if (one.body) chain.push(...bodyParsers(one));
    // The request needs a slot from here on: its body is complete, and the next steps call stores.
    chain.push(async (request, response, next) => {
      const guard = ReplyGuard.of(response);
      await parts.admission?.enter(request);
      guard.onEnd(() => parts.admission?.leave(request, one.operationId, response.locals['completed'] === true));
      guard.within(deadlineMs);
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
  // Literal paths must come before patterns that also match them.
  for (const [path, allowed] of [...methods].sort(([a], [b]) => a.split(':').length - b.split(':').length))
    router.all(path, (request) => {
      throw new Problem(405, `${request.method} is not allowed for this path. Allowed: ${allowed.join(', ')}`, {
        headers: { allow: allowed.join(', ') },
      });
    });
  return router;
}

function authorise(one: AnyRoute, parts: RouterParts, deadlineMs: number): RequestHandler {
  return async (request, response, next) => {
    response.locals['route'] = one.path;
    ReplyGuard.of(response).isPage = one.isPage === true && wantsPage(request);
    if (one.roles !== 'public') {
      const guard = ReplyGuard.of(response);
      guard.within(deadlineMs);
      const caller = await parts.authenticate(request);
      if (parts.callerLimits) response.set(parts.callerLimits.take(caller));
      if (caller.role !== 'admin' && !one.roles.includes(caller.role))
        throw new Problem(
          403,
          `This route requires one of the roles ${[...one.roles, 'admin'].join(', ')}; ` +
            `the caller has the role ${caller.role}`,
        );
      response.locals['caller'] = caller;
      if (guard.ended) return;
      // While the body arrives, the server's request timeout applies, not the handler's deadline.
      guard.release();
    }
    next();
  };
}

function bodyParsers(one: AnyRoute): RequestHandler[] {
  const limit = one.bodyLimit ?? DEFAULT_LIMIT;
  const accepted = ['application/json', ...(one.form ? ['application/x-www-form-urlencoded'] : [])];
  const contentType: RequestHandler = (request, _response, next) => {
    // An empty body passes here; the schema reports what is missing.
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
  // The deadline has already answered, or the client has disconnected.
  if (guard.ended) return;
  const body = reply.body === undefined ? undefined : JSON.stringify(reply.body);
  response.status(reply.status).set(reply.headers ?? {});
  // A session is saved before the reply ends, and that still needs the slot. Sending the reply does not, so a slow
  // client cannot keep the slot.
  response.locals['completed'] = true;
  guard.replying = true;
  if (!one.session || reply.stream) onDone();
  if (reply.stream) {
    response.locals['streamSince'] = performance.now();
    guard.release();
    // A HEAD request gets the headers only; the stream must not start.
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

/** Validates a declared header as one line of text, because it may be stored, as an idempotency key is. */
function checkHeader(name: string, value: string | undefined, faults: FieldFault[]): void {
  if (value === undefined) return;
  for (const { message } of parse(headerSchema, value).faults ?? []) faults.push({ field: `header.${name}`, message });
}

/** Answers 400 to a body that is nested too deeply, before recursive code walks it. */
const depthLimit: RequestHandler = (request, _response, next) => {
  const fault = faultOfDepth(request.body as unknown);
  if (fault) throw new Problem(400, sentenceOf([fault], 'the body'), { errors: [fault], type: 'invalid' });
  next();
};
