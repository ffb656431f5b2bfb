import type { UpdateDefinition } from '@temporalio/common';
import { defined } from '../defined';
import {
  type CaseFacts,
  caseFacts,
  type CaseState,
  type CaseStatus,
  dueAt,
  type InvestigationPolicy,
  type OpeningFacts,
  statusOf,
} from './investigation';
import type { Letter } from './investigationLetters';
import type { AnswerRequest, AssignRequest, DecideRequest, NoteRequest } from './investigationRequests';
import type { Label } from './label';
import { formatMoney } from '../money/format';
import type { WorkflowStart } from '../platform/outbox';
import type { ComparedModel } from './driftNotice';
import type { Notification } from '../platform/notification';

export type { InvestigationPolicy } from './investigation';

export const FRAUD_QUEUE = 'longwatch-fraud';
export const INVESTIGATION_TYPE = 'investigation';

/** The stream of decided transactions, from which the counters of merchants are built. */
export const TRANSACTION_HISTORY_STREAM = 'transaction-history';
/** The Kinesis stream of transactions to decide. */
export const TRANSACTIONS_STREAM = 'transactions';

export const DRIFT_REPORT_TYPE = 'driftReport';
/** The schedule, and the beginning of its runs' workflow ids. */
export const DRIFT_REPORT_ID = 'drift-report';

export interface DriftReportInput {
  /** How many days to look at, today included. */
  days: number;
}

export interface DriftFindings {
  models: readonly ComparedModel[];
  /** For the Web UI, in Markdown. */
  page: string;
  /** What the supervisors are to be told. */
  notice?: Notification;
}

const ID_PREFIX = 'investigation/';

/** The one place that spells the id. A request starts it at most once a transaction: REJECT_DUPLICATE. */
export function investigationId(transactionId: string): string {
  return `${ID_PREFIX}${transactionId}`;
}

/** The transaction of a workflow id that {@link investigationId} made. */
export function transactionOf(workflowId: string): string | undefined {
  return workflowId.startsWith(ID_PREFIX) ? workflowId.slice(ID_PREFIX.length) : undefined;
}

export interface InvestigationInput {
  facts: CaseFacts;
  policy: InvestigationPolicy;
  /** The state of the run before, after a continue-as-new; or that of the record, where the workflow was lost. */
  carried?: CaseState;
  /** The workflow before this one was terminated or lost. */
  lost?: {
    /** What became of it, e.g. `terminated`. */
    why: string;
    /** Letters that it may not have sent. */
    unsent: readonly Letter[];
  };
}

export interface InvestigationResult {
  label: Label;
  /** ISO 8601 UTC. */
  closedAt: string;
}

/** What an update did. */
export interface UpdateOutcome {
  status: CaseStatus;
  /** A sentence for people. */
  message: string;
}

/** An update takes one JSON object, because the Web UI sends one payload. */
type CaseUpdate<Request> = UpdateDefinition<UpdateOutcome, [Request]>;
// What `defineUpdate` returns; it lives in the workflow package, which the API must not load.
const caseUpdate = <Request>(name: string) => ({ type: 'update', name }) as CaseUpdate<Request>;

export const decideUpdate = caseUpdate<DecideRequest>('decide');
export const assignUpdate = caseUpdate<AssignRequest>('assign');
export const noteUpdate = caseUpdate<NoteRequest>('note');
export const answerUpdate = caseUpdate<AnswerRequest>('answer');

/** Type of the failure that a validator or a handler answers a wrong, late or repeated update with. */
export const REFUSED_UPDATE = 'conflict';

/** The workflow start that a transaction owes which was not approved, or whose case was opened by hand. */
export function investigationStart(opening: OpeningFacts, policy: InvestigationPolicy): WorkflowStart {
  return startWith({ facts: caseFacts(opening), policy }, 'scoring');
}

/** The start of a case whose workflow was lost, from its record. */
export function resumedInvestigationStart(
  carried: CaseState,
  lost: NonNullable<InvestigationInput['lost']>,
): WorkflowStart {
  const start = startWith({ facts: carried.facts, policy: carried.policy, carried, lost }, statusOf(carried));
  const due = dueAt(carried);
  // All of them: a workflow that is given a state takes its search attributes as set.
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
