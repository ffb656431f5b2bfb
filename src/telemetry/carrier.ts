import {
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import type { Carrier } from '../domain/platform/carrier';
import { currentIds, withRequest } from './ids';

/**
 * Returns the trace context and request id of the current work, to be sent to another process; undefined if there are
 * none.
 */
export function currentCarrier(): Carrier | undefined {
  const carrier: Carrier = {};
  propagation.inject(context.active(), carrier, defaultTextMapSetter);
  const { requestId } = currentIds();
  if (requestId !== undefined) carrier.requestId = String(requestId);
  return Object.keys(carrier).length === 0 ? undefined : carrier;
}

/**
 * Returns a context whose trace comes from a carrier, as the parent of spans here. It contains nothing of the current
 * work.
 */
export function contextOf(carrier: Carrier | undefined): Context {
  return carrier === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
}

/** Runs work in the trace and under the request id of a carrier, in place of the current ones. */
export function withCarrier<T>(carrier: Carrier | undefined, work: () => T): T {
  return context.with(contextOf(carrier), () => withRequest(carrier?.requestId, work));
}
