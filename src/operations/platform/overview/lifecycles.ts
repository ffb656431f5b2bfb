import type { Happening, Tone } from '../../../domain/platform/happening';
import type { ListedWorkflow, TemporalLook } from '../../../gateways/temporal/visibility';

/** What one type of workflow is to a person. */
export interface Lifecycle {
  /** The capability's name. */
  area: string;
  /** `A case`, `A season`. */
  name: string;
}

export interface LifecyclesParts {
  look: Pick<TemporalLook, 'list'>;
  /** By workflow type; others are nobody's news. */
  lifecycles: Readonly<Record<string, Lifecycle>>;
  note(happening: Happening): void;
  now?(): number;
}

/** The first look goes so far back, so that who opens the page does not begin with nothing. */
const LOOK_BACK_MS = 10 * 60_000;
/** Workflows of one look, those that began and those that ended each. */
const AT_ONCE = 50;
/** Visibility follows a moment later: each look overlaps the one before. */
const OVERLAP_MS = 10_000;
const REMEMBERED = 2_000;

/**
 * Lifecycles of all processes that began and ended since the last look, as Temporal's visibility has them: two calls a
 * look.
 */
export class Lifecycles {
  private lookedAt: number | undefined;
  private readonly told = new Set<string>();
  private readonly now: () => number;

  constructor(private readonly parts: LifecyclesParts) {
    this.now = parts.now ?? Date.now;
  }

  /** @throws where Temporal is away; the next look makes up for it. */
  async look(): Promise<void> {
    const now = this.now();
    const since = new Date((this.lookedAt ?? now - LOOK_BACK_MS) - OVERLAP_MS).toISOString();
    const types = Object.keys(this.parts.lifecycles).map((type) => `'${type}'`);
    const ours = `WorkflowType IN (${types.join(', ')})`;
    const [began, ended] = await Promise.all([
      this.parts.look.list(`${ours} AND StartTime >= '${since}'`, AT_ONCE),
      // A workflow that runs has no time of closing, which some servers take for one that is to come.
      this.parts.look.list(`${ours} AND CloseTime >= '${since}' AND ExecutionStatus != 'Running'`, AT_ONCE),
    ]);
    this.lookedAt = now;
    const news = [
      ...began.map((workflow) => ({ workflow, at: workflow.startedAt, what: 'began' })),
      ...ended.map((workflow) => ({ workflow, at: workflow.closedAt ?? now, what: endOf(workflow) })),
    ].sort((a, b) => a.at - b.at);
    for (const { workflow, what, at } of news) this.tell(workflow, what, at);
  }

  private tell({ workflowId, runId, type, status }: ListedWorkflow, what: string, at: number): void {
    const key = `${runId} ${what}`;
    const lifecycle = this.parts.lifecycles[type];
    if (!lifecycle || this.told.has(key)) return;
    this.told.add(key);
    for (const oldest of this.told) {
      if (this.told.size <= REMEMBERED) break;
      this.told.delete(oldest);
    }
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
