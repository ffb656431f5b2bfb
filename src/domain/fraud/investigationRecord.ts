import { defined } from '../defined';
import {
  type CaseHold,
  type CaseState,
  type CaseStatus,
  type CustomerAnswer,
  statusOf,
  type TimelineEntry,
} from './investigation';
import { dueAt } from './investigationDeadlines';
import type { Letter } from './investigationLetters';
import type { Label } from './label';
import type { Outcome } from './decision';

/** The attributes of a case's row that lists and pages show. The timeline has rows of its own. */
export interface CaseHeader {
  status: CaseStatus;
  outcome: Outcome;
  score: number | null;
  hold: CaseHold;
  assignee?: string;
  /** Epoch milliseconds. */
  dueAt?: number;
  customerAnswer?: CustomerAnswer;
}

/** The part of a case's row from which the reconciler restarts a lost workflow. */
export interface CaseSnapshot {
  /** The state without the latest timeline entries, which the timeline's rows have. */
  state: Omit<CaseState, 'recent'>;
  /** The letters that the workflow was sending at the time of this write. */
  unsent: readonly Letter[];
}

/** One conditional write of a case: it moves the row from one revision to another, exactly once. */
export interface CaseWrite {
  transactionId: string;
  fromRevision: number;
  revision: number;
  header: CaseHeader;
  entries: TimelineEntry[];
  /** Whether the write also holds the payment. */
  placeHold: boolean;
  /** The case after this write; absent in writes that an older release scheduled. */
  kept?: CaseSnapshot;
}

/** The write that closes a case: it also labels the transaction and ends or makes permanent the payment's hold. */
export interface ClosingWrite extends CaseWrite {
  label: Label;
  /** Epoch milliseconds. */
  closedAt: number;
  userId: string;
  /** Epoch milliseconds of the transaction; with its id the key of its item in `TransactionHistory`. */
  timestamp: number;
  /** Confirmed fraud only: epoch milliseconds until which the user is on hold. */
  holdUserUntil?: number;
}

/** Returns the write of a case's new state. @param unsent the letters that the workflow sends next. */
export function progressWrite(
  state: CaseState,
  fromRevision: number,
  entries: TimelineEntry[],
  unsent: readonly Letter[] = [],
): CaseWrite {
  const due = dueAt(state);
  const { recent: _, ...kept } = state;
  return {
    transactionId: state.facts.transactionId,
    fromRevision,
    revision: state.revision,
    header: {
      status: statusOf(state),
      outcome: state.outcome,
      score: state.score,
      hold: state.hold,
      ...defined({ assignee: state.assignee, dueAt: due, customerAnswer: state.customer.answer }),
    },
    entries,
    placeHold: entries.some(({ kind }) => kind === 'held'),
    kept: { state: kept, unsent },
  };
}

/** Returns the write that closes a case; undefined while the case is open. */
export function closingWrite(
  state: CaseState,
  fromRevision: number,
  entries: TimelineEntry[],
  unsent: readonly Letter[] = [],
): ClosingWrite | undefined {
  const { closing, facts, policy } = state;
  return (
    closing && {
      ...progressWrite(state, fromRevision, entries, unsent),
      label: closing.label,
      closedAt: closing.at,
      userId: facts.userId,
      timestamp: facts.timestamp,
      ...(closing.label === 'fraud' && { holdUserUntil: closing.at + policy.userHoldMs }),
    }
  );
}
