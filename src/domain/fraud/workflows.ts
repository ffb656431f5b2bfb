import type { UpdateDefinition } from '@temporalio/common';
import { defined } from '../defined';
import {
  type CaseFacts,
  caseFacts,
  type CaseState,
  type CaseStatus,
  type InvestigationPolicy,
  type OpeningFacts,
  statusOf,
} from './investigation';
import { dueAt } from './investigationDeadlines';
import type { Letter } from './investigationLetters';
import type { AnswerRequest, AssignRequest, DecideRequest, NoteRequest } from './investigationRequests';
import type { Label } from './label';
import { formatMoney } from '../money/format';
import type { WorkflowStart } from '../platform/outbox';
import type { ComparedModel } from './driftNotice';
import type { Notification } from '../platform/notification';

export type { InvestigationPolicy } from './investigation';

/** The task queue of the fraud workflows and their activities. */
export const FRAUD_QUEUE = 'longwatch-fraud';
/** The workflow type of an investigation. */
export const INVESTIGATION_TYPE = 'investigation';

/** The DynamoDB stream of decided transactions, from which the merchants' counters are built. */
export const TRANSACTION_HISTORY_STREAM = 'transaction-history';
/** The Kinesis stream of transactions to decide. */
export const TRANSACTIONS_STREAM = 'transactions';

/** The workflow type of the drift report. */
export const DRIFT_REPORT_TYPE = 'driftReport';
/** The id of the drift report's schedule, and the prefix of the workflow ids of its runs. */
export const DRIFT_REPORT_ID = 'drift-report';

/** The argument of the `driftReport` workflow. */
export interface DriftReportInput {
  /** The number of days that the report covers, today included. */
  days: number;
}

/** The result of comparing recent decisions with the training data. */
export interface DriftFindings {
  models: readonly ComparedModel[];
  /** The page of the report in the Web UI, in Markdown. */
  page: string;
  /** The notification of the supervisors; absent when no feature has shifted. */
  notice?: Notification;
}

const ID_PREFIX = 'investigation/';

/** Returns the workflow id of a case; no other place spells it. REJECT_DUPLICATE allows one start for each id. */
export function investigationId(transactionId: string): string {
  return `${ID_PREFIX}${transactionId}`;
}

/** Returns the transaction id of a workflow id made by {@link investigationId}; undefined for other workflow ids. */
export function transactionOf(workflowId: string): string | undefined {
  return workflowId.startsWith(ID_PREFIX) ? workflowId.slice(ID_PREFIX.length) : undefined;
}

/** The argument of the `investigation` workflow. */
export interface InvestigationInput {
  facts: CaseFacts;
  policy: InvestigationPolicy;
  /** The state of the previous run after a continue-as-new, or the state in the table if the workflow was lost. */
  carried?: CaseState;
  /** Present when the previous workflow of the case was terminated or lost. */
  lost?: {
    /** How the previous workflow ended, e.g. `terminated`. */
    why: string;
    /** Letters that the previous workflow may not have sent. */
    unsent: readonly Letter[];
  };
}

/** The result of the `investigation` workflow. */
export interface InvestigationResult {
  label: Label;
  /** ISO 8601 UTC. */
  closedAt: string;
}

/** The result of an update. */
export interface UpdateOutcome {
  status: CaseStatus;
  /** A sentence for investigators. */
  message: string;
}

/** An update takes one JSON object as its argument, because the Web UI sends one payload. */
type CaseUpdate<Request> = UpdateDefinition<UpdateOutcome, [Request]>;
// Equals the result of `defineUpdate`, which is in the workflow package; the API must not load that package.
const caseUpdate = <Request>(name: string) => ({ type: 'update', name }) as CaseUpdate<Request>;

/** The update that decides a case. */
export const decideUpdate = caseUpdate<DecideRequest>('decide');
/** The update that assigns a case. */
export const assignUpdate = caseUpdate<AssignRequest>('assign');
/** The update that adds a note to a case. */
export const noteUpdate = caseUpdate<NoteRequest>('note');
/** The update that records the customer's answer. */
export const answerUpdate = caseUpdate<AnswerRequest>('answer');

/** The failure type with which a validator or a handler refuses an invalid, late or repeated update. */
export const REFUSED_UPDATE = 'conflict';

/** Returns the start of a new case's workflow: for a decision that is not `approve`, or a case opened by hand. */
export function investigationStart(opening: OpeningFacts, policy: InvestigationPolicy): WorkflowStart {
  return startWith({ facts: caseFacts(opening), policy }, 'scoring');
}

/** Returns the start of a workflow that resumes a case from its row, after its previous workflow was lost. */
export function resumedInvestigationStart(
  carried: CaseState,
  lost: NonNullable<InvestigationInput['lost']>,
): WorkflowStart {
  const start = startWith({ facts: carried.facts, policy: carried.policy, carried, lost }, statusOf(carried));
  const due = dueAt(carried);
  // All search attributes are set here: a workflow that starts with a state assumes that they are set.
  const searchAttributes = {
    ...start.searchAttributes,
    ...(carried.score !== null && { LongwatchScore: carried.score }),
    ...defined({ LongwatchAssignee: carried.assignee, LongwatchDueAt: due }),
  };
  return { ...start, searchAttributes };
}

function startWith(input: InvestigationInput, status: CaseStatus): WorkflowStart {
  const { facts } = input;
  return {
    workflowId: investigationId(facts.transactionId),
    workflowType: INVESTIGATION_TYPE,
    taskQueue: FRAUD_QUEUE,
    args: [input],
    summary: summaryOf(facts),
    searchAttributes: {
      LongwatchStatus: status,
      LongwatchSubject: facts.userId,
      ...(facts.score !== null && { LongwatchScore: facts.score }),
    },
  };
}

function summaryOf({ outcome, amount, currency, userId, merchantId, score }: CaseFacts): string {
  const scored = score === null ? 'not scored' : `score ${score.toFixed(2)}`;
  return `**${outcome}** ${formatMoney(amount, currency)} · user ${userId} · merchant ${merchantId} · ${scored}`;
}
