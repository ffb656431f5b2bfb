import { statusOf } from '../../../src/domain/fraud/investigation';
import { dueAt, nextDeadline } from '../../../src/domain/fraud/investigationDeadlines';
import { type CaseEvent, openCase } from '../../../src/domain/fraud/investigationSteps';
import { after, facts, HOUR, OPENED, policy, score } from './cases';

it('review: warned, breached, final, reminded, each at its instant', () => {
  const start = openCase(facts(), policy());
  const waits = [3 * HOUR, 4 * HOUR, 8 * HOUR, 48 * HOUR, 72 * HOUR, 96 * HOUR];
  const state = after(
    start,
    [0, { kind: 'scored', result: score() }],
    ...waits.map((at): [number, CaseEvent] => [at, { kind: 'timePassed' }]),
  );
  expect(state.recent.map(({ kind, at }) => [kind, (at - OPENED) / HOUR])).toEqual([
    ['opened', 0],
    ['scored', 0],
    ['review', 0],
    ['warned', 4],
    ['breached', 8],
    ['final', 48],
    ['reminded', 72],
    ['reminded', 96],
  ]);
  expect(statusOf(state)).toBe('escalated');
});

it('what fell due while nobody was there happens in order, at once', () => {
  const state = after(
    openCase(facts(), policy({ finalPolicy: 'release' })),
    [0, { kind: 'scored', result: score() }],
    [500 * HOUR, { kind: 'timePassed' }],
  );
  expect(state.recent.map(({ kind }) => kind).slice(3)).toEqual(['warned', 'breached', 'closed']);
  expect(state.closing).toMatchObject({ label: 'genuine', how: 'policy' });
});

it('the page shows the customer’s deadline, in review the breach; the workflow waits for the earliest', () => {
  const scored: [number, CaseEvent] = [0, { kind: 'scored', result: score({ outcome: 'alert' }) }];
  const asked = after(openCase(facts({ outcome: 'alert' }), policy()), scored);
  expect([dueAt(asked), nextDeadline(asked)]).toEqual([OPENED + HOUR, OPENED + HOUR]);
  const start = openCase(facts(), policy());
  const reviewed: [number, CaseEvent] = [0, { kind: 'scored', result: score() }];
  const waiting = after(start, reviewed);
  expect([dueAt(waiting), nextDeadline(waiting)]).toEqual([OPENED + 8 * HOUR, OPENED + 4 * HOUR]);
  const closed = after(start, reviewed, [
    1,
    { kind: 'decided', decision: 'genuine', by: { name: 'ana', proof: 'api' } },
  ]);
  expect([dueAt(closed), nextDeadline(closed)]).toEqual([undefined, undefined]);
});
