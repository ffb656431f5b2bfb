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

/** What the next process is told of the work under way; undefined where there is nothing to tell. */
export function currentCarrier(): Carrier | undefined {
  const carrier: Carrier = {};
  propagation.inject(context.active(), carrier, defaultTextMapSetter);
  const { requestId } = currentIds();
  if (requestId !== undefined) carrier.requestId = String(requestId);
  return Object.keys(carrier).length === 0 ? undefined : carrier;
}

/** The trace that a carrier names, to be the parent of spans here; nothing of what is under way here. */
export function contextOf(carrier: Carrier | undefined): Context {
  return carrier === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
}

/** Goes on with the work that a carrier tells of: its trace and its request's id, and of no other one's. */
export function withCarrier<T>(carrier: Carrier | undefined, work: () => T): T {
  return context.with(contextOf(carrier), () => withRequest(carrier?.requestId, work));
}
