import { defined } from '../defined';
import type { Decision, Outcome, Reason } from './decision';
import type { Label } from './label';
import type { Transaction } from './transaction';

/**
 * Where a case stands.
 *   scoring         the full scoring is under way
 *   asking          the customer was asked "was this you?", nobody else needs to act yet
 *   waiting         waits for an investigator
 *   proposed        somebody decided, and that decision alone is not enough
 *   escalated       with the supervisors: nobody decided in time, or two people disagree
 *   closed-fraud, closed-genuine
 */
export const caseStatuses = [
  'scoring',
  'asking',
  'waiting',
  'proposed',
  'escalated',
  'closed-fraud',
  'closed-genuine',
] as const;
export type CaseStatus = (typeof caseStatuses)[number];

/** What happens to a case that nobody has decided when its last deadline passes. */
export type FinalPolicy = 'keep' | 'release' | 'confirm';

/** How cases are run. Durations in milliseconds. */
export interface InvestigationPolicy {
  /** How long the customer has to answer. */
  answerWithinMs: number;
  /** From the start of the review. */
  slaWarningMs: number;
  slaBreachMs: number;
  finalAfterMs: number;
  finalPolicy: FinalPolicy;
  /** With final policy `keep`: how often an undecided case is brought up again. */
  remindEveryMs: number;
  /** Amount in minor units from which a decision needs two people. */
  fourEyesAbove: number;
  /** How long a user is held after a confirmed fraud. */
  userHoldMs: number;
  /** Continue as new after this many events of history; absent: when the server suggests it. */
  continueAsNewAfterEvents?: number;
}

/** What the request path knows when it opens a case. */
export interface OpeningFacts {
  transaction: Transaction;
  decision: Decision;
  /** Epoch milliseconds. */
  openedAt: number;
}

/** The facts of a case that a workflow carries: small, and without what only the model needs. */
export interface CaseFacts {
  transactionId: string;
  userId: string;
  merchantId: string;
  /** Minor units. */
  amount: number;
  currency: string;
  /** Of the transaction, epoch milliseconds. */
  timestamp: number;
  channel?: string;
  deviceId?: string;
  country?: string;
  outcome: Outcome;
  /** Null: decided without the model. */
  score: number | null;
  reasons: Reason[];
  openedAt: number;
}

/** More reasons than these say nothing more; keeps a workflow's arguments small. */
const MAX_REASONS = 12;

export function caseFacts({ transaction, decision, openedAt }: OpeningFacts): CaseFacts {
  const { transactionId, userId, merchantId, amount, currency, timestamp, channel, deviceId, location } = transaction;
  return {
    transactionId,
    userId,
    merchantId,
    amount,
    currency,
    timestamp,
    ...defined({ channel, deviceId, country: location?.country }),
    outcome: decision.outcome,
    score: decision.score,
    reasons: decision.reasons.slice(0, MAX_REASONS),
    openedAt,
  };
}

/** What a feature did to the score. */
export interface Contribution {
  feature: string;
  /** Null: missing. */
  value: number | null;
  /** In log-odds; positive speaks for fraud. */
  contribution: number;
}

/** The result of scoring a case fully, or why it could not be done. */
export interface FullScore {
  score: number | null;
  /** Exact, largest effect first. */
  contributions: Contribution[];
  modelVersion: string | null;
  /** Of the full answer; never milder than what the case was opened with. */
  outcome: Outcome;
  reasons: Reason[];
  /** Set when the model stayed away. */
  fault?: string;
}

/**
 * Who did something, and how that is known: by the API's authentication, by the Temporal server's own
 * authentication of the caller, or not at all (a name that somebody typed).
 */
export interface Person {
  name: string;
  proof: 'api' | 'server' | 'none';
  role?: string;
}

/** A decision that did not close the case by itself. */
export interface Proposal {
  decision: Label;
  by: Person;
  at: number;
}

export type CustomerAnswer = 'yes' | 'no';

/** `yes` to "was this you?" speaks for genuine. */
export interface CustomerSide {
  asked: boolean;
  /** The link expires then; epoch milliseconds. */
  until?: number;
  answer?: CustomerAnswer;
  /** The answer came over the customer's own signed link. */
  proven?: boolean;
}

/** One line of what happened to a case. */
export interface TimelineEntry {
  /** From 1, without gaps. */
  seq: number;
  at: number;
  kind: TimelineKind;
  /** A sentence for people. */
  text: string;
  by?: Person;
}

export const timelineKinds = [
  'opened',
  'held',
  'scored',
  'asked',
  'answered',
  'unanswered',
  'review',
  'assigned',
  'noted',
  'proposed',
  'disagreed',
  'warned',
  'breached',
  'final',
  'reminded',
  'undelivered',
  'cancellation',
  'resumed',
  'refused',
  'closed',
] as const;
export type TimelineKind = (typeof timelineKinds)[number];

/** What must happen at an instant, while it is still to come. Epoch milliseconds. */
export type DeadlineKind = 'answer' | 'warning' | 'breach' | 'final' | 'reminder';
export type Deadlines = Partial<Record<DeadlineKind, number>>;

/** The state of the hold on the payment; `final`: the payment stays blocked for good. */
export type CaseHold = 'none' | 'held' | 'released' | 'final';

export interface Closing {
  label: Label;
  at: number;
  /** Those whose decision it was; `customer` and `policy` are nobody's. */
  how: 'people' | 'customer' | 'policy';
  by: Person[];
}

/** All that a case is; carried whole across continue-as-new, and bounded. */
export interface CaseState {
  facts: CaseFacts;
  policy: InvestigationPolicy;
  phase: 'scoring' | 'asking' | 'review' | 'closed';
  /** Counts what must be written; the header in the table carries the last one written. */
  revision: number;
  nextSeq: number;
  /** Never milder than `facts.outcome`. */
  outcome: Outcome;
  score: number | null;
  contributions: Contribution[];
  reasons: Reason[];
  scoringFault?: string;
  hold: CaseHold;
  customer: CustomerSide;
  deadlines: Deadlines;
  assignee?: string;
  escalated?: 'breach' | 'disagreement';
  proposals: Proposal[];
  closing?: Closing;
  /** The last entries of the timeline, for the page; all of it is in the table. */
  recent: TimelineEntry[];
}

export function statusOf(state: CaseState): CaseStatus {
  if (state.closing) return `closed-${state.closing.label}`;
  if (state.escalated) return 'escalated';
  if (state.proposals.length > 0) return 'proposed';
  if (state.phase === 'scoring') return 'scoring';
  return state.phase === 'asking' ? 'asking' : 'waiting';
}

/** The next instant at which something must happen, if any. */
export function nextDeadline(state: CaseState): number | undefined {
  const pending = Object.values(state.deadlines);
  return pending.length === 0 ? undefined : Math.min(...pending);
}

/** By when somebody should have acted: the customer while asked, the investigators while in review. */
export function dueAt(state: CaseState): number | undefined {
  if (state.closing) return undefined;
  const { answer, warning, breach, final, reminder } = state.deadlines;
  return state.phase === 'asking' ? answer : (breach ?? warning ?? final ?? reminder);
}

export function needsFourEyes({ facts, policy }: Pick<CaseState, 'facts' | 'policy'>): boolean {
  return facts.amount >= policy.fourEyesAbove;
}

export function isProven(person: Person): boolean {
  return person.proof !== 'none';
}

export function isSupervisor(person: Person): boolean {
  return isProven(person) && (person.role === 'supervisor' || person.role === 'admin');
}
