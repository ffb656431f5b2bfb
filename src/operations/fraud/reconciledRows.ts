import { caseStatuses } from '../../domain/fraud/investigation';
import { iso } from '../../domain/ids';
import type { WorkflowStart } from '../../domain/platform/outbox';
import type { CaseRecord } from '../../stores/fraud/investigations';
import {
  INVESTIGATION_TYPE,
  investigationId,
  type InvestigationPolicy,
  investigationStart,
  resumedInvestigationStart,
  transactionOf,
} from '../../domain/fraud/workflows';
import { type CaseRecordsParts, openingOf, recordedCase } from './caseRecords';
import { type Clock, systemClock } from '../../timing/clock';
import type { ReconciledRows } from '../platform/reconciliation/reconciledRows';

const open = caseStatuses.filter((status) => !status.startsWith('closed'));
const PAGE = 200;

/**
 * Open cases, for the reconciler. It finds them in the index by status, and restarts a case's workflow from the state
 * in its row.
 */
export function caseRows(
  parts: CaseRecordsParts,
  policy: InvestigationPolicy,
  clock: Clock = systemClock,
): ReconciledRows {
  const { investigations } = parts;
  return {
    workflowType: INVESTIGATION_TYPE,
    foundBy: 'index',
    carriesState: true,
    /** Reads one status after another. The cursor contains the current status and its page. */
    async open(cursor) {
      const [index, after] = cursor === undefined ? [0, undefined] : (JSON.parse(cursor) as [number, string?]);
      const status = open[index];
      if (!status) return { items: [] };
      const page = await investigations.byStatus(status, { limit: PAGE, cursor: after });
      const next = page.cursor !== undefined ? [index, page.cursor] : index + 1 < open.length ? [index + 1] : undefined;
      return {
        items: page.items.map(({ transactionId, openedAt }) => ({
          workflowId: investigationId(transactionId),
          since: openedAt,
        })),
        ...(next && { cursor: JSON.stringify(next) }),
      };
    },
    async startOf(workflowId, why) {
      const record = await recordOf(workflowId);
      return record && startOf(record, why);
    },
    async endedBecause(workflowId, graceMs) {
      const record = await recordOf(workflowId);
      const { closedAt } = record ?? {};
      // A workflow that has closed its case keeps sending its last letter, for at most an hour.
      return closedAt === undefined || closedAt > clock.now() - graceMs - LETTER_MS
        ? undefined
        : `its case was closed at ${iso(closedAt)}`;
    },
  };

  async function recordOf(workflowId: string): Promise<CaseRecord | undefined> {
    const transactionId = transactionOf(workflowId);
    return transactionId === undefined ? undefined : investigations.find(transactionId);
  }

  async function startOf(record: CaseRecord, why: string): Promise<WorkflowStart | undefined> {
    if (record.revision === 0) {
      const opening = await openingOf(parts, record);
      return opening && investigationStart(opening, policy);
    }
    const recorded = await recordedCase(parts, record, policy);
    return recorded && resumedInvestigationStart(recorded.carried, { why, unsent: recorded.unsent });
  }
}

const LETTER_MS = 3_600_000;
