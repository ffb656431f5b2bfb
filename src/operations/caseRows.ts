import { type CaseState, caseFacts, caseStatuses, type TimelineEntry } from '../domain/fraud/investigation';
import { recoverCase } from '../domain/fraud/investigationRecovery';
import { RECENT } from '../domain/fraud/investigationSteps';
import { iso } from '../domain/ids';
import type { OwedStart } from '../domain/ledger';
import type { DecisionStore } from '../stores/fraud/decisions';
import type { CaseRecord, InvestigationStore } from '../stores/fraud/investigations';
import { INVESTIGATION_TYPE, investigationId, type InvestigationPolicy, investigationStart, resumedInvestigationStart, transactionOf } from '../workflows/fraud/declarations';
import type { ReconciledRows } from './reconcile/rows';

export interface CaseRowsParts {
  investigations: InvestigationStore;
  decisions: Pick<DecisionStore, 'find'>;
}

const open = caseStatuses.filter((status) => !status.startsWith('closed'));
const PAGE = 200;

/** Cases as the reconciler sees them: found by the index of their status, started again from the state in their row. */
export function caseRows({ investigations, decisions }: CaseRowsParts, policy: InvestigationPolicy): ReconciledRows {
  return {
    workflowType: INVESTIGATION_TYPE,
    isIndexed: true,
    /** A status after the other; the cursor names the one under way. */
    async open(cursor) {
      const [index, after] = cursor === undefined ? [0, undefined] : (JSON.parse(cursor) as [number, string?]);
      const status = open[index];
      if (!status) return { items: [] };
      const page = await investigations.byStatus(status, { limit: PAGE, ...(after !== undefined && { cursor: after }) });
      const next = page.cursor !== undefined ? [index, page.cursor] : index + 1 < open.length ? [index + 1] : undefined;
      return { items: page.items.map(({ transactionId, openedAt }) => ({ workflowId: investigationId(transactionId), since: openedAt })), ...(next && { cursor: JSON.stringify(next) }) };
    },
    async startOf(workflowId, why) {
      const record = await recordOf(workflowId);
      return record && startOf(record, why);
    },
    async endedBecause(workflowId, graceMs) {
      const record = await recordOf(workflowId);
      const { closedAt } = record ?? {};
      // A workflow that closes a case goes on for as long as its last letter takes, an hour at most.
      return closedAt === undefined || closedAt > Date.now() - graceMs - LETTER_MS ? undefined : `its case was closed at ${iso(closedAt)}`;
    },
  };

  async function recordOf(workflowId: string): Promise<CaseRecord | undefined> {
    const transactionId = transactionOf(workflowId);
    return transactionId === undefined ? undefined : investigations.find(transactionId);
  }

  async function startOf(record: CaseRecord, why: string): Promise<OwedStart | undefined> {
    const { transactionId, revision, status } = record;
    const stored = await investigations.kept(transactionId);
    if (stored?.revision === revision) {
      const { state, unsent } = stored.kept;
      // A closed case has nothing left to do but to tell of it.
      if (state.closing && unsent.length === 0) return undefined;
      return resumedInvestigationStart({ ...state, policy, recent: await lastEntries(transactionId) }, { why, unsent });
    }
    if (status.startsWith('closed')) return undefined;
    const decided = await decisions.find(transactionId);
    if (!decided) return undefined;
    const opening = { ...decided, decision: { ...decided.decision, outcome: record.outcome }, openedAt: record.openedAt };
    if (revision === 0) return investigationStart(opening, policy);
    const carried: CaseState = recoverCase({ facts: caseFacts(opening), policy, header: record, timeline: await allEntries(transactionId) });
    return resumedInvestigationStart(carried, { why, unsent: [] });
  }

  async function allEntries(transactionId: string): Promise<TimelineEntry[]> {
    const all: TimelineEntry[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await investigations.timeline(transactionId, cursor === undefined ? {} : { cursor });
      all.push(...page.items);
      cursor = page.cursor;
      if (cursor === undefined) return all;
    }
  }

  async function lastEntries(transactionId: string): Promise<TimelineEntry[]> {
    return (await allEntries(transactionId)).slice(-RECENT);
  }
}

const LETTER_MS = 3_600_000;
