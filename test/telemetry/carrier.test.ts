import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { carrierOfRun, parseTraceparent, spanIdOfRun } from '../../src/domain/platform/carrier';
import { currentCarrier, withCarrier } from '../../src/telemetry/carrier';
import { currentIds, withIds } from '../../src/telemetry/ids';
import { subjectsOf } from '../../src/domain/platform/workflowSubjects';
import { everything } from '../../src/graph/capabilities';

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
    .filter((text) => /[^0]/.test(text));

it('a traceparent says the same after a run has put itself in between, but for the span', () => {
  fc.assert(
    fc.property(
      hex(32),
      hex(16),
      fc.boolean(),
      fc.uuid(),
      fc.string(),
      (traceId, spanId, sampled, runId, requestId) => {
        const carrier = { traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`, requestId };
        expect(parseTraceparent(carrier.traceparent)).toEqual({ traceId, spanId, sampled });
        const next = carrierOfRun(carrier, runId);
        expect(parseTraceparent(next.traceparent)).toEqual({ traceId, spanId: spanIdOfRun(runId), sampled });
        expect(next.requestId).toBe(requestId);
      },
    ),
  );
});

it.each([
  undefined,
  '',
  'x',
  '00-abc-def-01',
  `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
  `01-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
])('%p is no traceparent, and is handed on as it is', (traceparent) => {
  expect(parseTraceparent(traceparent)).toBeUndefined();
  const carrier = traceparent === undefined ? { requestId: 'r' } : { traceparent };
  expect(carrierOfRun(carrier, randomUUID())).toEqual(carrier);
});

it('runs have spans of their own', () => {
  const ids = Array.from({ length: 1_000 }, () => spanIdOfRun(randomUUID()));
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
});

it('work that goes on for another request has its id, and work for none has none', () => {
  withIds({ requestId: 'of-the-one-that-pays', workflowId: 'relay' }, () => {
    withCarrier({ requestId: 'of-the-one-that-owes' }, () =>
      expect(currentIds()).toEqual({ requestId: 'of-the-one-that-owes', workflowId: 'relay' }),
    );
    withCarrier(undefined, () => {
      expect(currentIds()).toEqual({ workflowId: 'relay' });
      expect(currentCarrier()).toBeUndefined();
    });
    expect(currentCarrier()).toEqual({ requestId: 'of-the-one-that-pays' });
  });
});

it('a workflow’s id says what it is about', () => {
  expect(subjectsOf(everything.workflowIds, 'investigation/tx-1')).toEqual({ transactionId: 'tx-1' });
  expect(subjectsOf(everything.workflowIds, 'cart/ada/3')).toEqual({ userId: 'ada', cartNumber: '3' });
  expect(subjectsOf(everything.workflowIds, 'relay')).toEqual({});
  expect(subjectsOf(everything.workflowIds, '')).toEqual({});
});
