import type { CaseFacts, CaseState } from './investigation';
import type { Label } from './label';
import { formatMoney } from '../money/format';
import { iso } from '../ids';

/** The kinds of letters that a case sends. */
export type LetterKind = 'ask' | 'outcome' | 'warning' | 'breach' | 'disagreement' | 'reminder';

/** A message that a case sends. Its id stays the same when it is sent again, so channels can drop duplicates. */
export interface Letter {
  id: string;
  transactionId: string;
  kind: LetterKind;
  /** A customer's user id, or the name of a team. */
  recipient: string;
  /** Epoch milliseconds at which the case decided to send the letter. */
  at: number;
  subject: string;
  text: string;
  /** Only for `ask`: epoch milliseconds at which the link for the answer expires. */
  answerUntil?: number;
}

/** The recipient of letters to all investigators. User ids contain no `/`, so a team's name is never a user id. */
export const INVESTIGATORS = 'team/investigators';
/** The recipient of letters to all supervisors. */
export const SUPERVISORS = 'team/supervisors';

/** The letter that asks the customer "was this you?". */
export function askLetter(state: CaseState, at: number, answerUntil: number): Letter {
  const { facts } = state;
  return {
    ...envelope(state, 'ask', facts.userId, at),
    subject: 'Was this you?',
    text: `A payment of ${payment(facts)} was made in your name. Was this you? Please answer by ${iso(answerUntil)}.`,
    answerUntil,
  };
}

/** The letter that tells the customer the result of the case. */
export function outcomeLetter(state: CaseState, at: number, label: Label): Letter {
  const released = state.hold === 'released' ? ' It is no longer on hold.' : '';
  return {
    ...envelope(state, 'outcome', state.facts.userId, at),
    subject: label === 'genuine' ? 'Your payment is in order' : 'A payment was stopped',
    text:
      label === 'genuine'
        ? `The payment of ${payment(state.facts)} was checked and is in order.${released}`
        : `The payment of ${payment(state.facts)} was found to be fraud and stays blocked.`,
  };
}

/** The letter to the investigators before the breach deadline. */
export function warningLetter(state: CaseState, at: number): Letter {
  const due = state.deadlines.breach === undefined ? '' : ` It is due ${iso(state.deadlines.breach)}.`;
  const who = state.assignee === undefined ? 'it is not assigned' : `it is assigned to ${state.assignee}`;
  return {
    ...envelope(state, 'warning', INVESTIGATORS, at),
    subject: `Case ${state.facts.transactionId} is due soon`,
    text: `The case of ${payment(state.facts)} waits for a decision; ${who}.${due}`,
  };
}

/** The letter to the supervisors at the breach deadline. */
export function breachLetter(state: CaseState, at: number): Letter {
  return {
    ...envelope(state, 'breach', SUPERVISORS, at),
    subject: `Case ${state.facts.transactionId} is overdue`,
    text: `Nobody closed the case of ${payment(state.facts)} in time${assigned(state)}.`,
  };
}

/** The letter to the supervisors when two people disagree. */
export function disagreementLetter(state: CaseState, at: number): Letter {
  const sides = state.proposals.map(({ by, decision }) => `${by.name} says ${decision}`).join(', ');
  return {
    ...envelope(state, 'disagreement', SUPERVISORS, at),
    subject: `Case ${state.facts.transactionId} needs a supervisor`,
    text:
      `Two people disagree about ${payment(state.facts)}: ${sides}. ` +
      'A supervisor who has not proposed a decision must decide.',
  };
}

/** The letter that reminds the supervisors of a case that is still open. */
export function reminderLetter(state: CaseState, at: number): Letter {
  return {
    ...envelope(state, 'reminder', SUPERVISORS, at),
    subject: `Case ${state.facts.transactionId} is still open`,
    text: `The case of ${payment(state.facts)} has been open since ${iso(state.facts.openedAt)}${assigned(state)}.`,
  };
}

function envelope(state: CaseState, kind: LetterKind, recipient: string, at: number) {
  const { transactionId } = state.facts;
  // The timeline's next number makes the id unique and gives the same id on a replay.
  return { id: `${transactionId}.${kind}.${state.nextSeq}`, transactionId, kind, recipient, at };
}

function payment({ amount, currency, merchantId }: CaseFacts): string {
  return `${formatMoney(amount, currency)} at ${merchantId}`;
}

function assigned({ assignee }: CaseState): string {
  return assignee === undefined ? '' : `; it is assigned to ${assignee}`;
}
