import { defined } from '../defined';
import {
  type CaseHold,
  type CaseState,
  type CaseStatus,
  type CustomerAnswer,
  dueAt,
  statusOf,
  type TimelineEntry,
} from './investigation';
import type { Letter } from './investigationLetters';
import type { Label } from './label';
import type { Outcome } from './decision';

/** What is kept of a case beside its timeline. */
export interface CaseHeader {
  status: CaseStatus;
  outcome: Outcome;
  score: number | null;
  hold: CaseHold;
  assignee?: string;
  dueAt?: number;
  customerAnswer?: CustomerAnswer;
}

/** What a row keeps of a case so that a lost workflow can be started again from it. */
export interface KeptCase {
  /** Without the last timeline entries, which the timeline itself has. */
  state: Omit<CaseState, 'recent'>;
  /** Letters that were being sent when this was written. */
  unsent: readonly Letter[];
}

/** One write of a case: it moves the header from one revision to another, once. */
export interface CaseWrite {
  transactionId: string;
  fromRevision: number;
  revision: number;
  header: CaseHeader;
  entries: TimelineEntry[];
  /** The payment is to be held from now on. */
  placeHold: boolean;
  /** The case after this write. A write that a release before this one scheduled has none. */
  kept?: KeptCase;
}

/** The write that ends a case: with it go the label, the holds, and what follows from them. */
export interface ClosingWrite extends CaseWrite {
  label: Label;
  closedAt: number;
  userId: string;
  /** With the transaction id the key of its history. */
  timestamp: number;
  /** Confirmed fraud: the user is held until then. */
  holdUserUntil?: number;
}

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

/** Undefined while the case is open. */
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
