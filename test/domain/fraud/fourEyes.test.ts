import * as fc from 'fast-check';
import { eyesOn, ruleOn } from '../../../src/domain/fraud/fourEyes';
import type { CaseState, Person, Proposal } from '../../../src/domain/fraud/investigation';
import type { Label } from '../../../src/domain/fraud/label';

const THRESHOLD = 1_000;
const stateOf = (proposals: Proposal[], amount = THRESHOLD, escalated?: 'disagreement'): CaseState =>
  ({
    facts: { amount },
    policy: { fourEyesAbove: THRESHOLD },
    proposals,
    ...(escalated && { escalated }),
  }) as unknown as CaseState;

const arbitraryPerson: fc.Arbitrary<Person> = fc.record({
  name: fc.constantFrom('ana', 'ben', 'eva'),
  proof: fc.constantFrom('api', 'server', 'none'),
});
const arbitraryProposals: fc.Arbitrary<Proposal[]> = fc
  .array(fc.tuple(arbitraryPerson, fc.constantFrom<Label>('fraud', 'genuine')), { maxLength: 25 })
  .map((all) => all.map(([by, decision], at) => ({ by, decision, at })));

/** Decisions one after another, until one closes the case. */
function decided(proposals: readonly Proposal[], escalated?: 'disagreement') {
  let state = stateOf([], THRESHOLD, escalated);
  for (const [i, proposal] of proposals.entries()) {
    const ruling = ruleOn(state, proposal);
    if (ruling.kind === 'close') return { ruling, state, heard: proposals.slice(0, i + 1) };
    state = stateOf([...ruling.proposals], THRESHOLD, escalated);
  }
  return { state, heard: proposals };
}

it('below the amount one person decides', () => {
  fc.assert(
    fc.property(arbitraryPerson, (by) => {
      expect(ruleOn(stateOf([], THRESHOLD - 1), { by, decision: 'fraud', at: 1 })).toEqual({
        kind: 'close',
        label: 'fraud',
        by: [by],
      });
    }),
  );
});

it.each([undefined, 'disagreement'] as const)(
  'from the amount on a case closes only by two people, proven the same way, who both stand by the decision (%p)',
  (escalated) => {
    fc.assert(
      fc.property(arbitraryProposals, (proposals) => {
        const { ruling, heard } = decided(proposals, escalated);
        if (!ruling) return;
        const [one, other] = ruling.by;
        expect(ruling.by).toHaveLength(2);
        expect(one!.proof).toBe(other!.proof);
        expect(one!.proof).not.toBe('none');
        expect(one!.name).not.toBe(other!.name);
        // What each of them said last.
        for (const { name, proof } of ruling.by)
          expect(heard.findLast(({ by }) => by.name === name && by.proof === proof)?.decision).toBe(ruling.label);
      }),
      { numRuns: 500 },
    );
  },
);

it('names that are only typed never close a case, nor make a disagreement', () => {
  fc.assert(
    fc.property(arbitraryProposals, (proposals) => {
      const typed = proposals.map((one) => ({ ...one, by: { ...one.by, proof: 'none' as const } }));
      expect(decided(typed).ruling).toBeUndefined();
      for (const [i, proposal] of typed.entries())
        expect(ruleOn(decided(typed.slice(0, i)).state, proposal).kind).toBe('propose');
    }),
  );
});

it('each person has one standing proposal for each proof, the last, and no more than ten typed names are kept', () => {
  fc.assert(
    fc.property(arbitraryProposals, (proposals) => {
      const { state } = decided(proposals);
      const people = state.proposals.map(({ by }) => `${by.name} ${by.proof}`);
      expect(new Set(people).size).toBe(people.length);
      expect(state.proposals.map(({ at }) => at)).toEqual(state.proposals.map(({ at }) => at).sort((a, b) => a - b));
    }),
  );
  const typed = Array.from({ length: 30 }, (_, at): Proposal => ({
    by: { name: `person-${at}`, proof: 'none' },
    decision: 'fraud',
    at,
  }));
  expect(decided(typed).state.proposals.map(({ at }) => at)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
});

it('two proven people who differ disagree, unless a supervisor settles just that', () => {
  const ana: Proposal = { by: { name: 'ana', proof: 'api' }, decision: 'fraud', at: 1 };
  const ben: Proposal = { by: { name: 'ben', proof: 'api' }, decision: 'genuine', at: 2 };
  expect(ruleOn(stateOf([ana]), ben)).toEqual({ kind: 'disagree', proposals: [ana, ben] });
  expect(ruleOn(stateOf([ana], THRESHOLD, 'disagreement'), ben).kind).toBe('propose');
  expect([eyesOn([ana, ben], 'fraud'), eyesOn([ana, ben], 'genuine')]).toEqual([1, 1]);
});
