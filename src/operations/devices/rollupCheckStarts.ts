import type { Day } from '../../domain/devices/days';
import {
  DEVICES_QUEUE,
  ROLLUP_CHECK_ID,
  ROLLUP_CHECK_TYPE,
  rollupCheckId,
  type RollupCheckInput,
} from '../../domain/devices/workflows';
import type { RollupCheck } from './rollupCheck';
import type { WorkflowToStart } from '../../domain/platform/workflows';

type RollupCheckStart = WorkflowToStart<[RollupCheckInput]>;

/** The parts that {@link RollupCheckStarts} needs. */
export interface RollupCheckStartsParts {
  check: Pick<RollupCheck, 'assertComparable'>;
  /** Starts a workflow unless it is running already. */
  startOnce(workflow: RollupCheckStart): Promise<unknown>;
  onFault(error: unknown): void;
}

const checkOfRecent: RollupCheckStart = {
  type: ROLLUP_CHECK_TYPE,
  workflowId: ROLLUP_CHECK_ID,
  taskQueue: DEVICES_QUEUE,
  args: [{}],
  staticSummary: 'Corrects rollups after a gap in the stream',
};

const checkOf = (day: Day): RollupCheckStart => ({
  type: ROLLUP_CHECK_TYPE,
  workflowId: rollupCheckId(day),
  taskQueue: DEVICES_QUEUE,
  args: [{ days: [day] }],
  staticSummary: `Compares the rollups of ${day} with its readings`,
});

/** Starts checks of rollups: on request, and where rollups may differ from the readings. */
export class RollupCheckStarts {
  constructor(private readonly parts: RollupCheckStartsParts) {}

  /**
   * Starts the check of a day's rollups, unless it is running.
   * @returns the workflow's id
   * @throws LongwatchError `conflict` if the readings or rollups no longer exist, `unavailable`
   */
  async start(day: Day): Promise<string> {
    await this.parts.check.assertComparable(day);
    const workflow = checkOf(day);
    await this.parts.startOnce(workflow);
    return workflow.workflowId;
  }

  /** Checks the recent days after records of the stream were lost. Never throws and never waits. */
  afterGap(): void {
    this.parts.startOnce(checkOfRecent).catch(this.parts.onFault);
  }
}
