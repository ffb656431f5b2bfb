import {
  type CaseState,
  caseFacts,
  type InvestigationPolicy,
  type OpeningFacts,
  type TimelineEntry,
} from '../../domain/fraud/investigation';
import type { Letter } from '../../domain/fraud/investigationLetters';
import { recoverCase } from '../../domain/fraud/investigationRecovery';
import { RECENT_ENTRIES } from '../../domain/fraud/investigationStepBuilder';
import type { DecisionStore } from '../../stores/fraud/decisions';
import type { CaseRecord, InvestigationStore } from '../../stores/fraud/investigations';

/** The parts that {@link recordedCase} needs. */
export interface CaseRecordsParts {
  investigations: InvestigationStore;
  decisions: Pick<DecisionStore, 'find'>;
}

/** The state of a case from its row, from which a new workflow continues. */
export interface RecordedCase {
  carried: CaseState;
  /** Letters that the workflow was sending at the last write of the row. */
  unsent: readonly Letter[];
}

/**
 * Returns the state of a case from its row. Strongly consistent.
 * @returns undefined if the case is closed and all its letters are sent, or if its transaction no longer exists
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
    // A closed case only has letters left to send.
    if (state.closing && unsent.length === 0) return undefined;
    return {
      carried: { ...state, policy, recent: (await timelineOf(parts, transactionId)).slice(-RECENT_ENTRIES) },
      unsent,
    };
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

/** Returns the facts with which the case was opened; undefined if its transaction no longer exists. */
export async function openingOf(
  { decisions }: CaseRecordsParts,
  { transactionId, outcome, openedAt }: CaseRecord,
): Promise<OpeningFacts | undefined> {
  const decided = await decisions.find(transactionId);
  return decided && { ...decided, decision: { ...decided.decision, outcome }, openedAt };
}

/** Returns whether a case has been closed. */
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
