import { type CaseState, isProven, needsFourEyes, type Person, type Proposal } from './investigation';
import type { Label } from './label';

/** What a decision does to a case. */
export type Ruling =
  | { kind: 'close'; label: Label; by: Person[] }
  | { kind: 'propose'; proposals: Proposal[] }
  | { kind: 'disagree'; proposals: Proposal[] };

/** More standing proposals than these can only be unproven ones; the oldest of those make room. */
const MAX_PROPOSALS = 10;

/**
 * Below the amount one person decides. From it on, two different proven people must agree; a typed name is
 * kept as a proposal and counts for nothing. Both must be proven the same way: whoever is `ana` to the API
 * may be `ana@example.org` to the Temporal server, and must not be two people.
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

/** How many proven people stand behind a decision, counted the way {@link ruleOn} counts. */
export function eyesOn(proposals: readonly Proposal[], decision: Label): number {
  const same = proposals.filter((proposal) => proposal.decision === decision);
  const count = (proof: Person['proof']) => same.filter(({ by }) => by.proof === proof).length;
  return Math.max(count('api'), count('server'));
}

function areTwoPeople(a: Person, b: Person): boolean {
  return isProven(a) && a.proof === b.proof && a.name !== b.name;
}

/** Somebody who decides again replaces what they said before; a proven decision also replaces the name typed for it. */
function withProposal(standing: readonly Proposal[], proposal: Proposal): Proposal[] {
  const others = standing.filter(
    ({ by }) => by.name !== proposal.by.name || (by.proof !== proposal.by.proof && by.proof !== 'none'),
  );
  const proven = others.filter(({ by }) => isProven(by));
  const typed = others.filter(({ by }) => !isProven(by)).slice(-(MAX_PROPOSALS - 1));
  return [...proven, ...typed, proposal].sort((a, b) => a.at - b.at);
}
