import { LRUCache } from 'lru-cache';
import type { Happening, Tone } from '../../../domain/platform/happening';
import type { ListedWorkflow, TemporalOverview } from '../../../gateways/temporal/visibility';
import { type Clock, systemClock } from '../../../timing/clock';

/** How the overview page names the workflows of one type. */
export interface Lifecycle {
  /** The capability's name. */
  area: string;
  /** The beginning of a sentence, such as `A case` or `A season`. */
  name: string;
}

/** The parts that {@link WorkflowNews} needs. */
export interface WorkflowNewsParts {
  temporal: Pick<TemporalOverview, 'list'>;
  /** The lifecycles to report, by workflow type. Workflows of other types are ignored. */
  lifecycles: Readonly<Record<string, Lifecycle>>;
  note(happening: Happening): void;
  clock?: Clock;
}

/** The first query goes back this far, so that a newly opened page shows recent events. */
const FIRST_WINDOW_MS = 10 * 60_000;
/** Maximum number of begun workflows, and of ended workflows, in one query. */
const AT_ONCE = 50;
/** Visibility lags behind, so each query overlaps the previous one by this much. */
const OVERLAP_MS = 10_000;
/** Number of reported events that are remembered, so that an overlap does not report an event twice. */
const REMEMBERED = 2_000;

/**
 * Reports lifecycles of all processes that began or ended since the previous query. It asks Temporal's visibility, with
 * two calls per query.
 */
export class WorkflowNews {
  private polledAt: number | undefined;
  private readonly told = new LRUCache<string, true>({ max: REMEMBERED });
  private readonly clock: Clock;

  constructor(private readonly parts: WorkflowNewsParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Queries visibility once and reports the new events.
   * @throws if Temporal is unavailable; the next query covers the missed time
   */
  async poll(): Promise<void> {
    const now = this.clock.now();
    const since = new Date((this.polledAt ?? now - FIRST_WINDOW_MS) - OVERLAP_MS).toISOString();
    const types = Object.keys(this.parts.lifecycles).map((type) => `'${type}'`);
    const ours = `WorkflowType IN (${types.join(', ')})`;
    const [began, ended] = await Promise.all([
      this.parts.temporal.list(`${ours} AND StartTime >= '${since}'`, AT_ONCE),
      // A running workflow has no close time. Some servers treat a missing close time as a time in the future.
      this.parts.temporal.list(`${ours} AND CloseTime >= '${since}' AND ExecutionStatus != 'Running'`, AT_ONCE),
    ]);
    this.polledAt = now;
    const news = [
      ...began.map((workflow) => ({ workflow, at: workflow.startedAt, what: 'began' })),
      ...ended.map((workflow) => ({ workflow, at: workflow.closedAt ?? now, what: endOf(workflow) })),
    ].sort((a, b) => a.at - b.at);
    for (const { workflow, what, at } of news) this.report(workflow, what, at);
  }

  private report({ workflowId, runId, type, status }: ListedWorkflow, what: string, at: number): void {
    const key = `${runId} ${what}`;
    const lifecycle = this.parts.lifecycles[type];
    if (!lifecycle || this.told.has(key)) return;
    this.told.set(key, true);
    this.parts.note({
      area: lifecycle.area,
      tone: toneOf(what, status),
      text: `${lifecycle.name} ${what}`,
      workflowId,
      at,
    });
  }
}

function endOf({ status }: ListedWorkflow): string {
  return status === 'completed' ? 'ended' : status;
}

function toneOf(what: string, status: string): Tone {
  return what !== 'began' && ['failed', 'timed out', 'terminated'].includes(status) ? 'problem' : 'notable';
}
