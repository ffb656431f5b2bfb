import * as fc from 'fast-check';
import {
  type CaseFacts,
  type CaseState,
  type InvestigationPolicy,
  type Person,
  statusOf,
  type TimelineEntry,
} from '../../../src/domain/fraud/investigation';
import { progressWrite } from '../../../src/domain/fraud/investigationRecord';
import { recoverCase } from '../../../src/domain/fraud/investigationRecovery';
import { type CaseEvent, next, openCase, resumeCase } from '../../../src/domain/fraud/investigationSteps';

const HOUR = 3_600_000;
const OPENED = Date.parse('2026-01-31T10:00:00Z');
const policy: InvestigationPolicy = {
  answerWithinMs: 24 * HOUR,
  slaWarningMs: 3 * HOUR,
  slaBreachMs: 4 * HOUR,
  finalAfterMs: 72 * HOUR,
  finalPolicy: 'keep',
  remindEveryMs: 24 * HOUR,
  fourEyesAbove: 0,
  userHoldMs: HOUR,
};
const facts = (outcome: CaseFacts['outcome']): CaseFacts => ({
  transactionId: 't',
  userId: 'u',
  merchantId: 'm',
  amount: 100,
  currency: 'EUR',
  timestamp: OPENED,
  outcome,
  score: 0.5,
  reasons: [],
  openedAt: OPENED,
});
const people: Person[] = [
  { name: 'ana', proof: 'api', role: 'investigator' },
  { name: 'ben', proof: 'api', role: 'investigator' },
  { name: 'cyd', proof: 'none' },
];

const person = fc.constantFrom(...people);
const event: fc.Arbitrary<CaseEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('decided' as const),
    decision: fc.constantFrom('fraud' as const, 'genuine' as const),
    by: person,
  }),
  fc.record({ kind: fc.constant('assigned' as const), assignee: fc.constantFrom('ana', 'ben'), by: person }),
  fc.record({ kind: fc.constant('noted' as const), text: fc.string(), by: person }),
  fc.record({ kind: fc.constant('answered' as const), answer: fc.constantFrom('no' as const), by: person }),
  fc.constant({ kind: 'timePassed' as const }),
);

/** A case as any row of events leaves it, with all that was written. */
function live(
  outcome: CaseFacts['outcome'],
  steps: readonly { after: number; event: CaseEvent }[],
): { state: CaseState; timeline: TimelineEntry[] } {
  const opened = openCase(facts(outcome), policy);
  const scored: CaseEvent = {
    kind: 'scored',
    result: { score: 0.9, contributions: [], modelVersion: 'm', outcome, reasons: [] },
  };
  let at = OPENED;
  let { state } = opened;
  const timeline = [...opened.entries];
  for (const { after, event: happened } of [{ after: 1_000, event: scored }, ...steps]) {
    at += after;
    if (happened.kind === 'answered' && (!state.customer.asked || state.customer.answer)) continue;
    const step = next(state, happened, at);
    state = step.state;
    timeline.push(...step.entries);
  }
  return { state, timeline };
}

it('an open case that an older release wrote goes on as it stood: status, deadlines, proposals, assignee, hold', () => {
  let open = 0;
  fc.assert(
    fc.property(
      fc.constantFrom('alert' as const, 'review' as const, 'block' as const),
      fc.array(fc.record({ after: fc.integer({ min: 0, max: 40 * HOUR }), event }), { maxLength: 8 }),
      (outcome, steps) => {
        const { state, timeline } = live(outcome, steps);
        if (state.closing) return;
        open++;
        const { header, revision } = progressWrite(state, 0, []);
        const recovered = recoverCase({ facts: facts(outcome), policy, header: { ...header, revision }, timeline });
        expect(recovered).toMatchObject({
          phase: state.phase,
          nextSeq: state.nextSeq,
          revision,
          hold: state.hold,
          outcome: state.outcome,
          score: state.score,
          recent: state.recent,
        });
        expect(recovered.assignee).toBe(state.assignee);
        expect(statusOf(recovered)).toBe(statusOf(state));
        expect(recovered.deadlines).toEqual(state.deadlines);
        expect(recovered.customer).toMatchObject({
          asked: state.customer.asked,
          ...(state.customer.answer && { answer: state.customer.answer, proven: state.customer.proven }),
        });
        const said = ({ proposals }: CaseState) =>
          proposals.map(({ decision, by }) => `${by.name} ${by.proof} ${decision}`).sort();
        expect(said(recovered)).toEqual(said(state));
      },
    ),
    { numRuns: 2_000 },
  );
  expect(open).toBeGreaterThan(500);
});

it('a case that is closed sends what was not sent, under the same ids, and writes nothing', () => {
  const { state } = live('review', [
    { after: 1, event: { kind: 'decided', decision: 'fraud', by: people[0]! } },
    { after: 1, event: { kind: 'decided', decision: 'fraud', by: people[1]! } },
  ]);
  const letter = {
    id: 't.outcome.9',
    transactionId: 't',
    kind: 'outcome' as const,
    recipient: 'u',
    at: OPENED,
    subject: 's',
    text: 't',
  };
  expect(state.closing).toBeDefined();
  expect(resumeCase(state, { why: 'terminated', unsent: [letter] }, OPENED + HOUR)).toMatchObject({
    letters: [letter],
    entries: [],
    state: { revision: state.revision },
  });
});
