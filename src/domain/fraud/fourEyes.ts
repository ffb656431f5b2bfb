import { type CaseState, isProven, isSupervisor, type Person, type Proposal } from './investigation';
import type { Label } from './label';

/** The effect of a decision on a case. */
export type Ruling =
  | { kind: 'close'; label: Label; by: Person[] }
  | { kind: 'propose'; proposals: Proposal[] }
  | { kind: 'disagree'; proposals: Proposal[] };

/** A limit on the stored proposals. Beyond it the oldest unproven ones are dropped; proven ones are always kept. */
const MAX_PROPOSALS = 10;

/** Returns whether the amount needs two people (four-eyes approval). */
export function needsFourEyes({ facts, policy }: Pick<CaseState, 'facts' | 'policy'>): boolean {
  return facts.amount >= policy.fourEyesAbove;
}

/**
 * Applies the rule of two people (four-eyes approval). Below the amount one person decides. From the amount on, two
 * different proven people must agree; a decision under a typed name is stored as a proposal and does not count. Both
 * people must be proven the same way: the API's `ana` and the Temporal server's `ana@example.org` can be one person.
 */
export function ruleOn(state: CaseState, proposal: Proposal): Ruling {
  const { decision, by } = proposal;
  if (!needsFourEyes(state)) return { kind: 'close', label: decision, by: [by] };
  const proposals = withProposal(state.proposals, proposal);
  if (!isProven(by)) return { kind: 'propose', proposals };
  const second = state.proposals.find((other) => other.decision === decision && areTwoPeople(other.by, by));
  if (
    state.escalated !== 'disagreement' &&
    proposals.some((other) => isProven(other.by) && other.decision !== decision)
  )
    return { kind: 'disagree', proposals };
  return second ? { kind: 'close', label: decision, by: [second.by, by] } : { kind: 'propose', proposals };
}

/** Returns how many proven people proposed a decision, counted as in {@link ruleOn}. */
export function eyesOn(proposals: readonly Proposal[], decision: Label): number {
  const same = proposals.filter((proposal) => proposal.decision === decision);
  const count = (proof: Person['proof']) => same.filter(({ by }) => by.proof === proof).length;
  return Math.max(count('api'), count('server'));
}

/**
 * Returns why a person may not decide a case about which two people disagree, or undefined. A supervisor decides it who
 * has not proposed anything.
 */
export function refusalAfterDisagreement(
  { escalated, proposals }: Pick<CaseState, 'escalated' | 'proposals'>,
  by: Person,
): string | undefined {
  if (escalated !== 'disagreement') return undefined;
  if (!isSupervisor(by)) return 'Two people disagree about this case: only a supervisor can decide it, through the API';
  return proposals.some((proposal) => proposal.by.name === by.name)
    ? `${by.name} has already proposed a decision in this case: another supervisor must decide it`
    : undefined;
}

function areTwoPeople(a: Person, b: Person): boolean {
  return isProven(a) && a.proof === b.proof && a.name !== b.name;
}

/**
 * Adds a proposal. It replaces the earlier proposal of the same person; a proven proposal also replaces an unproven
 * one under the same name.
 */
function withProposal(standing: readonly Proposal[], proposal: Proposal): Proposal[] {
  const others = standing.filter(
    ({ by }) => by.name !== proposal.by.name || (by.proof !== proposal.by.proof && by.proof !== 'none'),
  );
  const proven = others.filter(({ by }) => isProven(by));
  const typed = others.filter(({ by }) => !isProven(by)).slice(-(MAX_PROPOSALS - 1));
  return [...proven, ...typed, proposal].sort((a, b) => a.at - b.at);
}
