import {
  type CaseState,
  caseFacts,
  type InvestigationPolicy,
  type OpeningFacts,
  type TimelineEntry,
} from '../../domain/fraud/investigation';
import type { Letter } from '../../domain/fraud/investigationLetters';
import { recoverCase } from '../../domain/fraud/investigationRecovery';
import { RECENT } from '../../domain/fraud/investigationSteps';
import type { DecisionStore } from '../../stores/fraud/decisions';
import type { CaseRecord, InvestigationStore } from '../../stores/fraud/investigations';

export interface CaseRecordsParts {
  investigations: InvestigationStore;
  decisions: Pick<DecisionStore, 'find'>;
}

/** A case as its record tells it, for a workflow that goes on from there. */
export interface RecordedCase {
  carried: CaseState;
  /** Letters that were being sent at the last write. */
  unsent: readonly Letter[];
}

/**
 * Returns the state of a case from its row; undefined when the case is closed and everybody was told, or when its
 * transaction is gone. Strongly consistent.
 */
export async function recordedCase(
  parts: CaseRecordsParts,
  record: CaseRecord,
  policy: InvestigationPolicy,
): Promise<RecordedCase | undefined> {
  const { transactionId, revision } = record;
  const stored = await parts.investigations.kept(transactionId);
  if (stored?.revision === revision) {
    const { state, unsent } = stored.kept;
    // A closed case has nothing left to do but to tell of it.
    if (state.closing && unsent.length === 0) return undefined;
    return { carried: { ...state, policy, recent: (await timelineOf(parts, transactionId)).slice(-RECENT) }, unsent };
  }
  if (isClosed(record)) return undefined;
  const opening = await openingOf(parts, record);
  return (
    opening && {
      carried: recoverCase({
        facts: caseFacts(opening),
        policy,
        header: record,
        timeline: await timelineOf(parts, transactionId),
      }),
      unsent: [],
    }
  );
}

/** What the case was opened with; undefined when its transaction is gone. */
export async function openingOf(
  { decisions }: CaseRecordsParts,
  { transactionId, outcome, openedAt }: CaseRecord,
): Promise<OpeningFacts | undefined> {
  const decided = await decisions.find(transactionId);
  return decided && { ...decided, decision: { ...decided.decision, outcome }, openedAt };
}

export const isClosed = ({ status }: CaseRecord): boolean => status.startsWith('closed');

async function timelineOf({ investigations }: CaseRecordsParts, transactionId: string): Promise<TimelineEntry[]> {
  const all: TimelineEntry[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await investigations.timeline(transactionId, cursor === undefined ? {} : { cursor });
    all.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
}
