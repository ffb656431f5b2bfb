import { AsyncResource } from 'node:async_hooks';
import { context, type Span, SpanStatusCode } from '@opentelemetry/api';
import type { NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import { defined } from '../../domain/defined';
import { contextOf } from '../../telemetry/carrier';
import { withIds } from '../../telemetry/ids';
import { openSpan, SpanKind } from '../../telemetry/spans';
import { hardening } from './hardening';
import { ReplyGuard } from './replyGuard';
import { requestIdOf } from './requestId';

/** Paths that monitors poll. They are measured but not traced. */
const untraced = new Set(['/healthz', '/readyz', '/metrics']);

/** Receives the start and the result of every request, for metrics. */
export interface RequestWatch {
  began(): void;
  served(request: { method: string; route: string; status: number; seconds: number }): void;
}

/**
 * Returns the middleware around every request. It takes the request id from `X-Request-Id` or generates one, sends it
 * in the response and adds it to every log line of the request. It opens a span (as a child of the caller's, if
 * `traceparent` names one), measures the request, and writes one debug log line without bodies, tokens or query values.
 */
export function requestFrame(logger: Logger, watch?: RequestWatch) {
  return (request: Request, response: Response, next: NextFunction): void => {
    // Create the guard before any middleware replaces the response's methods.
    ReplyGuard.of(response);
    const requestId = requestIdOf(request.get('x-request-id'));
    response.locals['requestId'] = requestId;
    response.set({ ...hardening, 'x-request-id': requestId });
    const started = performance.now();
    watch?.began();
    const frame = (span?: Span) => {
      const close = () => {
        const { method } = request;
        // For an event stream only the time to its start is latency. A client that disconnects from it is no failure.
        const streamSince = response.locals['streamSince'] as number | undefined;
        const seconds = ((streamSince ?? performance.now()) - started) / 1000;
        const route = (response.locals['route'] as string | undefined) ?? 'none';
        const status = response.writableFinished || streamSince !== undefined ? response.statusCode : 499;
        watch?.served({ method, route, status, seconds });
        logger.debug({ method, route, status, seconds }, 'request');
        if (span) endSpan(span, method, route, status);
      };
      // The close event is emitted outside the request's async context, so bind the listener to it to keep the ids.
      const closed = () => {
        try {
          close();
        } catch (error) {
          // An error thrown in a listener would end the process.
          logger.error({ err: error }, 'the request could not be measured');
        }
      };
      response.once('close', AsyncResource.bind(closed));
      next();
    };
    withIds({ requestId }, () => {
      if (untraced.has(request.path)) return frame();
      const { span, context: traced } = openSpan(request.method, {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': request.method },
        parent: contextOf(callersTrace(request)),
      });
      return context.with(traced, () => frame(span));
    });
  };
}

function callersTrace(request: Request) {
  const traceparent = request.get('traceparent');
  const tracestate = request.get('tracestate');
  return traceparent === undefined ? undefined : { traceparent, ...defined({ tracestate }) };
}

/**
 * Sets the span's name and attributes by OpenTelemetry's HTTP conventions. It uses the route's pattern, because the
 * path may contain an id or a token.
 */
function endSpan(span: Span, method: string, route: string, status: number): void {
  span.updateName(route === 'none' ? method : `${method} ${route}`);
  span.setAttributes({ 'http.response.status_code': status, ...(route !== 'none' && { 'http.route': route }) });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
