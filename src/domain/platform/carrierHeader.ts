import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { type Carrier, CARRIER_HEADER } from './carrier';

/** Returns the header that carries a carrier. */
export function carrierHeader(carrier: Carrier): Headers {
  return { [CARRIER_HEADER]: defaultPayloadConverter.toPayload(carrier) };
}

/** Returns the carrier of a header. Other programs write this header, too, so invalid content is ignored. */
export function carrierIn(headers: Headers): Carrier | undefined {
  const payload = headers[CARRIER_HEADER];
  if (payload === undefined) return undefined;
  try {
    const { traceparent, tracestate, requestId } =
      defaultPayloadConverter.fromPayload<Record<string, unknown>>(payload);
    return {
      ...(typeof traceparent === 'string' && { traceparent }),
      ...(typeof tracestate === 'string' && { tracestate }),
      ...(typeof requestId === 'string' && { requestId }),
    };
  } catch {
    return undefined;
  }
}
