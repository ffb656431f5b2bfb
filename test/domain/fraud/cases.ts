import type { CaseFacts, CaseState, FullScore, InvestigationPolicy } from '../../../src/domain/fraud/investigation';
import { refusalOf } from '../../../src/domain/fraud/investigationRequests';
import { type CaseEvent, next } from '../../../src/domain/fraud/investigationSteps';
import type { Step } from '../../../src/domain/fraud/investigationStepBuilder';

export const HOUR = 3_600_000;
/** Epoch ms at which the cases of these tests are opened. */
export const OPENED = Date.UTC(2026, 2, 1);

export const policy = (over: Partial<InvestigationPolicy> = {}): InvestigationPolicy => ({
  answerWithinMs: HOUR,
  slaWarningMs: 4 * HOUR,
  slaBreachMs: 8 * HOUR,
  finalAfterMs: 48 * HOUR,
  finalPolicy: 'keep',
  remindEveryMs: 24 * HOUR,
  fourEyesAbove: 100_000,
  userHoldMs: 720 * HOUR,
  ...over,
});

export const facts = (over: Partial<CaseFacts> = {}): CaseFacts => ({
  transactionId: 'tx-1',
  userId: 'ada',
  merchantId: 'shop-1',
  amount: 5_000,
  currency: 'EUR',
  timestamp: OPENED,
  outcome: 'review',
  score: 0.6,
  reasons: [],
  openedAt: OPENED,
  ...over,
});

export const score = (over: Partial<FullScore> = {}): FullScore => ({
  score: 0.7,
  contributions: [],
  modelVersion: 'm-1',
  outcome: 'review',
  reasons: [],
  ...over,
});

/** A case after some events; refused requests are an error of the test. */
export function after(start: Step, ...events: [afterMs: number, CaseEvent][]): CaseState {
  return events.reduce((state, [at, event]) => {
    if ('by' in event) expect(refusalOf(state, event)).toBeUndefined();
    return next(state, event, OPENED + at).state;
  }, start.state);
}
