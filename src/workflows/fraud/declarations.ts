import type { UpdateDefinition } from '@temporalio/common';
import {
  type CaseFacts,
  caseFacts,
  type CaseState,
  type CaseStatus,
  type InvestigationPolicy,
  type OpeningFacts,
} from '../../domain/fraud/investigation';
import type { AnswerRequest, AssignRequest, DecideRequest, NoteRequest } from '../../domain/fraud/investigationRequests';
import type { Label } from '../../domain/fraud/label';
import { formatMoney } from '../../domain/fraud/money';
import type { OwedStart } from '../../domain/ledger';
import type { ComparedModel } from '../../domain/fraud/driftNotice';
import type { Notification } from '../../domain/notification';

export type { InvestigationPolicy } from '../../domain/fraud/investigation';

export const FRAUD_QUEUE = 'longwatch-fraud';
export const INVESTIGATION_TYPE = 'investigation';

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

/** The one place that spells the id. Started at most once a transaction: REJECT_DUPLICATE. */
export function investigationId(transactionId: string): string {
  return `investigation/${transactionId}`;
}

export interface InvestigationInput {
  facts: CaseFacts;
  policy: InvestigationPolicy;
  /** The state of the run before, after a continue-as-new. */
  carried?: CaseState;
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
export function investigationStart(opening: OpeningFacts, policy: InvestigationPolicy): OwedStart {
  const facts = caseFacts(opening);
  const input: InvestigationInput = { facts, policy };
  return {
    workflowId: investigationId(facts.transactionId),
    workflowType: INVESTIGATION_TYPE,
    taskQueue: FRAUD_QUEUE,
    args: [input],
    summary: summaryOf(facts),
    searchAttributes: {
      LongwatchStatus: 'scoring' satisfies CaseStatus,
      LongwatchSubject: facts.userId,
      ...(facts.score !== null && { LongwatchScore: facts.score }),
    },
  };
}

function summaryOf({ outcome, amount, currency, userId, merchantId, score }: CaseFacts): string {
  const scored = score === null ? 'not scored' : `score ${score.toFixed(2)}`;
  return `**${outcome}** ${formatMoney(amount, currency)} · user ${userId} · merchant ${merchantId} · ${scored}`;
}
