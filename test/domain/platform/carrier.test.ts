import * as fc from 'fast-check';
import { carrierOfRun, parseTraceparent, spanIdOfRun } from '../../../src/domain/platform/carrier';
import { carrierHeader, carrierIn } from '../../../src/domain/platform/carrierHeader';

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
    .filter((id) => !/^0+$/.test(id));
const arbitraryTrace = fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() });
const textOf = ({ traceId, spanId, sampled }: { traceId: string; spanId: string; sampled: boolean }) =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

it('a traceparent is read as it is written', () => {
  fc.assert(fc.property(arbitraryTrace, (trace) => expect(parseTraceparent(textOf(trace))).toEqual(trace)));
});

it.each([
  undefined,
  '',
  'nonsense',
  `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
  `01-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`,
])('%p is no traceparent', (text) => expect(parseTraceparent(text)).toBeUndefined());

it('a run continues the trace and the request under a span of its own, the same on every worker', () => {
  fc.assert(
    fc.property(arbitraryTrace, fc.uuid(), (trace, runId) => {
      const carrier = { traceparent: textOf(trace), tracestate: 'a=b', requestId: 'r-1' };
      const { traceparent, ...rest } = carrierOfRun(carrier, runId);
      expect(rest).toEqual({ tracestate: 'a=b', requestId: 'r-1' });
      expect(parseTraceparent(traceparent)).toEqual({ ...trace, spanId: spanIdOfRun(runId) });
    }),
  );
  expect(carrierOfRun({ requestId: 'r-1' }, 'any')).toEqual({ requestId: 'r-1' });
});

it('a header gives back the carrier that it was made of, and none of what others wrote', () => {
  const carrier = { traceparent: 'a', tracestate: 'b', requestId: 'c' };
  expect(carrierIn(carrierHeader(carrier))).toEqual(carrier);
  expect(carrierIn(carrierHeader({}))).toEqual({});
  expect(carrierIn(carrierHeader({ traceparent: 7, requestId: { a: 1 } } as never))).toEqual({});
  expect(carrierIn({})).toBeUndefined();
  expect(carrierIn({ '_tracer-data': { metadata: {}, data: new Uint8Array([1]) } })).toBeUndefined();
});
