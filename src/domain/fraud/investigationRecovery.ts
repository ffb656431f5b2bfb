import { defined } from '../defined';
import { moreSevere } from './decision';
import type { CaseFacts, CaseState, Deadlines, InvestigationPolicy, Proposal, TimelineEntry } from './investigation';
import type { CaseHeader } from './investigationRecord';
import { openCase } from './investigationSteps';
import { RECENT_ENTRIES } from './investigationStepBuilder';
import type { Label } from './label';

/** The stored data of a case whose row was written by a release that did not store the workflow's state. */
export interface OldCase {
  facts: CaseFacts;
  policy: InvestigationPolicy;
  header: CaseHeader & { revision: number };
  /** The whole timeline, oldest first. */
  timeline: readonly TimelineEntry[];
}

/**
 * Reconstructs the state of an open case from its header and its timeline. These do not store the contributions of
 * features, so the page of the case shows none. The deadlines follow from the current policy.
 */
export function recoverCase({ facts, policy, header, timeline }: OldCase): CaseState {
  const { status, hold, assignee, customerAnswer, score, outcome, revision, dueAt } = header;
  const fresh = openCase(facts, policy).state;
  const last = (kind: TimelineEntry['kind']): TimelineEntry | undefined =>
    timeline.findLast((entry) => entry.kind === kind);
  const asked = last('asked');
  const isAnswered = customerAnswer !== undefined || last('unanswered') !== undefined;
  const reviewedAt = last('review')?.at;
  const until = asked && (status === 'asking' ? dueAt : asked.at + policy.answerWithinMs);
  const phase = reviewedAt !== undefined ? 'review' : asked ? 'asking' : 'scoring';
  const escalated = last('disagreed') ? 'disagreement' : last('breached') ? 'breach' : undefined;
  return {
    ...fresh,
    phase,
    revision,
    nextSeq: (timeline.at(-1)?.seq ?? 0) + 1,
    outcome: moreSevere(facts.outcome, outcome),
    score,
    hold,
    customer: {
      asked: asked !== undefined,
      ...defined({ until }),
      ...(customerAnswer !== undefined && { answer: customerAnswer, proven: last('answered')?.by?.proof !== 'none' }),
    },
    deadlines: {
      ...(until !== undefined && !isAnswered && { answer: until }),
      ...reviewDeadlines(reviewedAt, policy, timeline),
    },
    ...defined({ assignee, escalated }),
    proposals: proposalsIn(timeline),
    recent: timeline.slice(-RECENT_ENTRIES),
  };
}

function reviewDeadlines(
  since: number | undefined,
  policy: InvestigationPolicy,
  timeline: readonly TimelineEntry[],
): Deadlines {
  if (since === undefined) return {};
  const has = (kind: TimelineEntry['kind']) => timeline.some((entry) => entry.kind === kind);
  const reminded = timeline.findLast(({ kind }) => kind === 'reminded' || kind === 'final');
  return {
    ...(!has('warned') && { warning: since + policy.slaWarningMs }),
    ...(!has('breached') && { breach: since + policy.slaBreachMs }),
    ...(reminded ? { reminder: reminded.at + policy.remindEveryMs } : { final: since + policy.finalAfterMs }),
  };
}

/** Returns the last proposal of each person, parsed from the text of the timeline: "Proposed fraud". */
function proposalsIn(timeline: readonly TimelineEntry[]): Proposal[] {
  const byPerson = new Map<string, Proposal>();
  for (const { kind, text, by, at } of timeline) {
    const decision = /^Proposed (fraud|genuine)\b/.exec(text)?.[1] as Label | undefined;
    if (kind === 'proposed' && by && decision) byPerson.set(`${by.proof}/${by.name}`, { decision, by, at });
  }
  return [...byPerson.values()];
}
