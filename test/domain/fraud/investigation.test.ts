import { needsFourEyes } from '../../../src/domain/fraud/fourEyes';
import fc from 'fast-check';
import { outcomes } from '../../../src/domain/fraud/decision';
import {
  type CaseFacts,
  type CaseState,
  type FullScore,
  type InvestigationPolicy,
  type Person,
  statusOf,
} from '../../../src/domain/fraud/investigation';
import { dueAt, nextDeadline } from '../../../src/domain/fraud/investigationDeadlines';
import { casePage } from '../../../src/domain/fraud/investigationPage';
import { closingWrite, progressWrite } from '../../../src/domain/fraud/investigationRecord';
import { type PersonalEvent, refusalOf, refusalOfRequest } from '../../../src/domain/fraud/investigationRequests';
import { type CaseEvent, next, openCase } from '../../../src/domain/fraud/investigationSteps';
import type { Step } from '../../../src/domain/fraud/investigationStepBuilder';
import { after, facts, HOUR, OPENED, policy, score } from './cases';
import { labels } from '../../../src/domain/fraud/label';

const api = (name: string, role = 'investigator'): Person => ({ name, proof: 'api', role });
const typed = (name: string): Person => ({ name, proof: 'none' });

const person: fc.Arbitrary<Person> = fc.record(
  {
    name: fc.constantFrom('ana', 'ben', 'eva', 'kim'),
    proof: fc.constantFrom('api', 'server', 'none'),
    role: fc.constantFrom('investigator', 'supervisor'),
  },
  { requiredKeys: ['name', 'proof'] },
);
const label = fc.constantFrom(...labels);
type CourseEvent = CaseEvent | { kind: 'wait'; ms: number } | { kind: 'loseLetter' };
const arbitraryEvent: fc.Arbitrary<CourseEvent> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('scored' as const),
      result: fc
        .record({ score: fc.option(fc.double({ min: 0, max: 1, noNaN: true })), outcome: fc.constantFrom(...outcomes) })
        .map(score as never) as fc.Arbitrary<FullScore>,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('answered' as const),
      answer: fc.constantFrom('yes' as const, 'no' as const),
      by: person,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('decided' as const), decision: label, by: person }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('assigned' as const),
      assignee: fc.constantFrom('ana', 'ben'),
      by: person,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('noted' as const),
      text: fc.string({ minLength: 1, maxLength: 30 }),
      by: person,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'loseLetter' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 2 * HOUR }), fc.integer({ min: 0, max: 200 * HOUR })),
    }),
  },
);
type CourseKind = Pick<CaseFacts, 'outcome' | 'amount'> & Pick<InvestigationPolicy, 'finalPolicy'>;
const arbitraryCase: fc.Arbitrary<CourseKind> = fc.record({
  outcome: fc.constantFrom(...outcomes),
  amount: fc.constantFrom(5_000, 100_000, 450_000),
  finalPolicy: fc.constantFrom('keep' as const, 'release' as const, 'confirm' as const),
});

/** Runs a case as the workflow does: refused requests change nothing, deadlines fire when time passes. */
function run(
  start: Step,
  events: readonly CourseEvent[],
  each: (before: CaseState, step: Step) => void,
  carry = (state: CaseState) => state,
): CaseState {
  let now = OPENED;
  let { state } = start;
  const letters = [...start.letters];
  const take = (event: CaseEvent): void => {
    const step = next(state, event, now);
    each(state, step);
    state = carry(step.state);
    letters.push(...step.letters);
  };
  for (const event of events) {
    if (event.kind === 'wait') {
      now += event.ms;
      take({ kind: 'timePassed' });
    } else if (event.kind === 'loseLetter') {
      const letter = letters.shift();
      if (letter) take({ kind: 'undelivered', letter, why: 'nobody is there' });
    } else if (!('by' in event) || refusalOf(state, event as PersonalEvent) === undefined) take(event);
  }
  return state;
}

describe('every course of an investigation', () => {
  const courses = fc.tuple(arbitraryCase, fc.array(arbitraryEvent, { maxLength: 40 }));
  const opened = ({ outcome, amount, finalPolicy }: CourseKind): Step =>
    openCase(facts({ outcome, amount }), policy({ finalPolicy }));

  it('has a timeline without gaps, revisions without jumps, and state of bounded size', () => {
    fc.assert(
      fc.property(courses, ([kind, events]) => {
        const start = opened(kind);
        const timeline = [...start.entries];
        run(start, events, (before, step) => {
          timeline.push(...step.entries);
          expect(step.state.revision - before.revision).toBe(step.entries.length > 0 ? 1 : 0);
          expect(step.state.recent.length).toBeLessThanOrEqual(20);
          expect(step.state.proposals.length).toBeLessThanOrEqual(20);
        });
        expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_, i) => i + 1));
        const once = (what: string) => timeline.filter((entry) => entry.kind === what).length;
        for (const kindOfEntry of [
          'warned',
          'breached',
          'final',
          'closed',
          'scored',
          'answered',
          'disagreed',
          'review',
        ])
          expect(once(kindOfEntry)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it('never ends by itself unless the policy says so, is never stuck, and nothing happens after its end', () => {
    fc.assert(
      fc.property(courses, ([kind, events]) => {
        const end = run(opened(kind), events, (before, { state, entries, letters }) => {
          if (before.closing) {
            expect(state).toEqual(before);
            expect([entries, letters]).toEqual([[], []]);
          } else if (state.closing) {
            expect(nextDeadline(state)).toBeUndefined();
            expect(dueAt(state)).toBeUndefined();
            if (state.closing.how === 'policy') expect(state.policy.finalPolicy).not.toBe('keep');
          } else if (state.phase !== 'scoring') expect(nextDeadline(state)).toBeDefined();
        });
        if (end.closing) {
          expect(refusalOfRequest(end, 'decide', { decision: 'fraud', by: 'ana' })).toContain('was closed as');
          expect(refusalOfRequest(end, 'note', { text: 'x', by: 'ana' })).toContain('was closed as');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is closed by people only as four eyes allow', () => {
    fc.assert(
      fc.property(courses, ([kind, events]) => {
        const { closing, ...state } = run(opened(kind), events, () => undefined);
        if (closing?.how !== 'people') return;
        expect(closing.by.length).toBe(needsFourEyes(state) ? 2 : 1);
        if (!needsFourEyes(state)) return;
        const [first, second] = closing.by as [Person, Person];
        expect(first.name).not.toBe(second.name);
        expect([first.proof, second.proof]).not.toContain('none');
        expect(first.proof).toBe(second.proof);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps the payment as its end demands, and is never milder than it began', () => {
    fc.assert(
      fc.property(courses, ([kind, events]) => {
        const end = run(opened(kind), events, (before, { state }) => {
          expect(outcomes.indexOf(state.outcome)).toBeGreaterThanOrEqual(outcomes.indexOf(before.outcome));
          if (before.hold === 'held' && !state.closing) expect(state.hold).toBe('held');
        });
        if (kind.outcome === 'block') expect(end.hold).not.toBe('none');
        if (end.closing?.label === 'fraud') expect(end.hold).toBe('final');
        if (end.closing?.label === 'genuine') expect(end.hold).not.toBe('held');
        if (end.customer.answer === 'no' && !end.closing) expect(end.hold).toBe('held');
      }),
      { numRuns: 500 },
    );
  });

  it('goes on the same after its state was carried as JSON to another run', () => {
    fc.assert(
      fc.property(courses, ([kind, events]) => {
        const carry = (state: CaseState) => JSON.parse(JSON.stringify(state)) as CaseState;
        const whole = run(opened(kind), events, () => undefined);
        const carried = run(opened(kind), events, () => undefined, carry);
        expect(carried).toEqual(whole);
        expect(casePage(carried)).toBe(casePage(whole));
        expect(statusOf(carried)).toBe(statusOf(whole));
      }),
      { numRuns: 200 },
    );
  });

  it('writes letters with ids that never repeat', () => {
    fc.assert(
      fc.property(courses, ([kind, events]) => {
        const start = opened(kind);
        const ids = start.letters.map(({ id }) => id);
        run(start, events, (_, { letters }) => ids.push(...letters.map(({ id }) => id)));
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the ladders', () => {
  it('alert: asks the customer; yes closes as genuine', () => {
    const asked = after(openCase(facts({ outcome: 'alert' }), policy()), [
      0,
      { kind: 'scored', result: score({ outcome: 'alert' }) },
    ]);
    expect(statusOf(asked)).toBe('asking');
    expect(
      after({ state: asked, entries: [], letters: [] }, [
        1,
        { kind: 'answered', answer: 'yes', by: { name: 'customer', proof: 'api', role: 'customer' } },
      ]).closing,
    ).toMatchObject({ label: 'genuine', how: 'customer' });
  });

  it('alert: no, or silence, hands it to the investigators', () => {
    const start = openCase(facts({ outcome: 'alert' }), policy());
    const scored: [number, CaseEvent] = [0, { kind: 'scored', result: score({ outcome: 'alert' }) }];
    expect(
      after(start, scored, [1, { kind: 'answered', answer: 'no', by: { name: 'customer', proof: 'api' } }]),
    ).toMatchObject({ phase: 'review', hold: 'held' });
    expect(after(start, scored, [HOUR, { kind: 'timePassed' }])).toMatchObject({ phase: 'review', hold: 'none' });
  });

  it('two different people close what one may only propose; a typed name counts for nothing', () => {
    const start = openCase(facts({ amount: 450_000 }), policy());
    const state = after(
      start,
      [0, { kind: 'scored', result: score() }],
      [1, { kind: 'decided', decision: 'fraud', by: typed('mallory') }],
      [2, { kind: 'decided', decision: 'fraud', by: api('ana') }],
    );
    expect(statusOf(state)).toBe('proposed');
    expect(refusalOf(state, { kind: 'decided', decision: 'fraud', by: api('ana') })).toContain(
      'another person must decide',
    );
    expect(next(state, { kind: 'decided', decision: 'fraud', by: api('ben') }, OPENED + 3).state.closing).toMatchObject(
      { by: [api('ana'), api('ben')] },
    );
  });

  it('a disagreement is settled by a supervisor who took no part', () => {
    const state = after(
      openCase(facts({ amount: 450_000 }), policy()),
      [0, { kind: 'scored', result: score() }],
      [1, { kind: 'decided', decision: 'fraud', by: api('ana', 'supervisor') }],
      [2, { kind: 'decided', decision: 'genuine', by: api('ben') }],
    );
    expect(statusOf(state)).toBe('escalated');
    expect(refusalOf(state, { kind: 'decided', decision: 'fraud', by: api('kim') })).toContain('only a supervisor');
    expect(refusalOf(state, { kind: 'decided', decision: 'genuine', by: api('ana', 'supervisor') })).toContain(
      'another supervisor',
    );
    expect(
      next(state, { kind: 'decided', decision: 'genuine', by: api('eva', 'supervisor') }, OPENED + 3).state.closing,
    ).toMatchObject({ label: 'genuine' });
  });

  it('a confirmed fraud holds the user, a genuine payment does not', () => {
    const fraud = after(
      openCase(facts(), policy()),
      [0, { kind: 'scored', result: score() }],
      [5, { kind: 'decided', decision: 'fraud', by: typed('ana') }],
    );
    expect(closingWrite(fraud, 1, [])).toMatchObject({ label: 'fraud', holdUserUntil: OPENED + 5 + 720 * HOUR });
    const genuine = after(
      openCase(facts(), policy()),
      [0, { kind: 'scored', result: score() }],
      [5, { kind: 'decided', decision: 'genuine', by: typed('ana') }],
    );
    expect(closingWrite(genuine, 1, [])).not.toHaveProperty('holdUserUntil');
    expect(closingWrite(openCase(facts(), policy()).state, 0, [])).toBeUndefined();
  });

  it('a write says what is kept of a case', () => {
    const { state, entries } = openCase(facts({ outcome: 'block' }), policy());
    expect(progressWrite(state, 0, entries)).toMatchObject({
      fromRevision: 0,
      revision: 1,
      placeHold: true,
      header: { status: 'scoring', hold: 'held', outcome: 'block' },
    });
  });
});

describe('a request of a person', () => {
  const waiting = after(openCase(facts(), policy()), [0, { kind: 'scored', result: score() }]);

  it('of any JSON is refused with a sentence, or is a good one', () => {
    fc.assert(
      fc.property(fc.constantFrom('decide', 'assign', 'note', 'answer'), fc.jsonValue(), (kind, given) => {
        const why = refusalOfRequest(waiting, kind as never, given);
        if (why === undefined) expect(given).toMatchObject({ by: expect.any(String) });
        else expect(why.length).toBeGreaterThan(10);
      }),
    );
  });

  it.each([
    ['decide', 'fraud', 'this is not an object'],
    ['decide', { decision: 'maybe', by: 'ana' }, '"decision" must be "fraud" or "genuine"'],
    ['decide', { decision: 'fraud' }, '"by" must be a text'],
    ['note', { text: ' ', by: 'ana' }, '"text" must be a text of 1 to 2000 characters'],
    ['note', { text: 'x'.repeat(2_001), by: 'ana' }, '"text" must be a text'],
    ['note', { text: 'x\ud800', by: 'ana' }, '"text" must be well-formed Unicode'],
    ['note', { text: 'beep\u0007', by: 'ana' }, '"text" must be well-formed Unicode'],
    ['note', { text: 'x', by: 'a\udc00' }, '"by" must be well-formed Unicode'],
    ['decide', { decision: 'fraud', by: 'ana', note: '\ud83d' }, '"note" must be well-formed Unicode'],
    ['assign', { assignee: 'a\nb', by: 'ana' }, '"assignee" must be well-formed Unicode without line breaks'],
    [
      'note',
      { text: 'x', by: 'ana', extra: 'kept for nothing' },
      '"extra" is not known; known are "text", "by", "attestation"',
    ],
    ['answer', { answer: 'no', by: 'ana' }, 'The customer has not been asked'],
  ] as const)('%s %.40j is refused', (kind, given, why) => {
    expect(refusalOfRequest(waiting, kind, given)).toContain(why);
  });

  it('is refused when it repeats what is there', () => {
    const assigned = next(waiting, { kind: 'assigned', assignee: 'ana', by: typed('ben') }, OPENED).state;
    expect(refusalOfRequest(assigned, 'assign', { assignee: 'ana', by: 'kim' })).toBe(
      'The case is already assigned to ana',
    );
    const noted = next(waiting, { kind: 'noted', text: 'called', by: typed('ben') }, OPENED).state;
    expect(refusalOfRequest(noted, 'note', { text: 'called', by: 'ben' })).toBe('ben has already written this note');
  });
});

describe('the page', () => {
  it('stays a table whatever people write', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (text) => {
        const state = next(
          after(openCase(facts(), policy()), [0, { kind: 'scored', result: score() }]),
          { kind: 'noted', text, by: typed('ana') },
          OPENED,
        ).state;
        const rows = casePage(state)
          .split('\n')
          .filter((line) => line.startsWith('|'));
        const cells = (line: string) => line.replace(/\\\|/g, '').split('|').length;
        for (const row of rows) expect([4, 5, 6]).toContain(cells(row));
      }),
    );
  });
});
