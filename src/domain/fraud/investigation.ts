import { defined } from '../defined';
import type { Decision, Outcome, Reason } from './decision';
import type { Label } from './label';
import type { Transaction } from './transaction';

/**
 * The statuses of a case:
 *   scoring         an activity scores the payment with exact contributions
 *   asking          the customer was asked "was this you?"; no investigator has to act yet
 *   waiting         waits for an investigator
 *   proposed        a person proposed a decision that alone cannot close the case
 *   escalated       waits for a supervisor: the breach deadline passed, or two people disagree
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
/** One of {@link caseStatuses}. */
export type CaseStatus = (typeof caseStatuses)[number];

/** What the final deadline does to an undecided case: keep it open, close it as genuine, or close it as fraud. */
export type FinalPolicy = 'keep' | 'release' | 'confirm';

/** The deadlines and thresholds of cases. Durations are in milliseconds. */
export interface InvestigationPolicy {
  /** How long the customer has to answer. */
  answerWithinMs: number;
  /** Counted from the start of the review, like the next two. */
  slaWarningMs: number;
  slaBreachMs: number;
  finalAfterMs: number;
  finalPolicy: FinalPolicy;
  /** With final policy `keep`: the interval of the reminders about an undecided case. */
  remindEveryMs: number;
  /** Amount in minor units from which a decision needs two people (four-eyes approval). */
  fourEyesAbove: number;
  /** How long a user is on hold after a confirmed fraud. */
  userHoldMs: number;
  /** Events of history after which the workflow continues as new; absent: when the Temporal server suggests it. */
  continueAsNewAfterEvents?: number;
}

/** The facts from which a case is opened. */
export interface OpeningFacts {
  transaction: Transaction;
  decision: Decision;
  /** Epoch milliseconds. */
  openedAt: number;
}

/** The facts of a case that its workflow carries; inputs that only the model needs are left out to keep them small. */
export interface CaseFacts {
  transactionId: string;
  userId: string;
  merchantId: string;
  /** Minor units. */
  amount: number;
  currency: string;
  /** Epoch milliseconds of the transaction. */
  timestamp: number;
  channel?: string;
  deviceId?: string;
  country?: string;
  outcome: Outcome;
  /** Null when the payment was decided in degraded mode. */
  score: number | null;
  reasons: Reason[];
  openedAt: number;
}

/** Keeps the arguments of a workflow small. */
const MAX_REASONS = 12;

/** Returns the facts of a case, with at most 12 reasons. */
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

/** The effect of one feature on the score. */
export interface Contribution {
  feature: string;
  /** Null when the value is missing. */
  value: number | null;
  /** In log-odds; a positive value raises the score. */
  contribution: number;
}

/** The result of scoring a case with exact contributions, or the reason why it was not scored. */
export interface FullScore {
  score: number | null;
  /** Exact, largest effect first. */
  contributions: Contribution[];
  modelVersion: string | null;
  /** The outcome of the full scoring. The case keeps the more severe of this and its opening outcome. */
  outcome: Outcome;
  reasons: Reason[];
  /** Set when the case could not be scored. */
  fault?: string;
}

/**
 * The person behind a request, and the proof of the identity: the API's authentication, the Temporal server's
 * authentication of the caller, or none (a typed name).
 */
export interface Person {
  name: string;
  proof: 'api' | 'server' | 'none';
  role?: string;
}

/** A decision that alone cannot close the case. */
export interface Proposal {
  decision: Label;
  by: Person;
  at: number;
}

/** The customer's answer to "was this you?"; `yes` means that the payment is genuine. */
export type CustomerAnswer = 'yes' | 'no';

/** The state of the customer's question. */
export interface CustomerSide {
  asked: boolean;
  /** Epoch milliseconds at which the link in the message expires. */
  until?: number;
  answer?: CustomerAnswer;
  /** Whether the answer came through the customer's own signed link. */
  proven?: boolean;
}

/** One entry of a case's timeline. */
export interface TimelineEntry {
  /** From 1, without gaps. */
  seq: number;
  at: number;
  kind: TimelineKind;
  /** A sentence for investigators. */
  text: string;
  by?: Person;
}

/** The kinds of timeline entries. */
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
/** One of {@link timelineKinds}. */
export type TimelineKind = (typeof timelineKinds)[number];

/** The kinds of deadlines of a case. */
export type DeadlineKind = 'answer' | 'warning' | 'breach' | 'final' | 'reminder';
/** The pending deadlines of a case, epoch milliseconds. */
export type Deadlines = Partial<Record<DeadlineKind, number>>;

/** The state of the hold on the payment; `final`: the payment stays blocked permanently. */
export type CaseHold = 'none' | 'held' | 'released' | 'final';

/** How a case was closed. */
export interface Closing {
  label: Label;
  at: number;
  how: 'people' | 'customer' | 'policy';
  /** The people who decided; empty for `customer` and `policy`. */
  by: Person[];
}

/** The complete state of a case. Its size is bounded, and continue-as-new carries it to the next run. */
export interface CaseState {
  facts: CaseFacts;
  policy: InvestigationPolicy;
  phase: 'scoring' | 'asking' | 'review' | 'closed';
  /** Number of the state's latest change that has to be written. The case's row has the revision last written. */
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
  /** The latest timeline entries, for the page; the table has all entries. */
  recent: TimelineEntry[];
}

/** Returns the status of a case. */
export function statusOf(state: CaseState): CaseStatus {
  if (state.closing) return `closed-${state.closing.label}`;
  if (state.escalated) return 'escalated';
  if (state.proposals.length > 0) return 'proposed';
  if (state.phase === 'scoring') return 'scoring';
  return state.phase === 'asking' ? 'asking' : 'waiting';
}

/** Returns whether a person's identity was authenticated; a typed name is not. */
export function isProven(person: Person): boolean {
  return person.proof !== 'none';
}

/** Returns whether a person is an authenticated supervisor or admin. */
export function isSupervisor(person: Person): boolean {
  return isProven(person) && (person.role === 'supervisor' || person.role === 'admin');
}
