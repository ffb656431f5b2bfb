import {
  type CheckMode,
  LEADERBOARDS_QUEUE,
  RANK_CHECK_ID,
  RANK_CHECK_TYPE,
  rankCheckId,
  type RankCheckInput,
} from '../../domain/leaderboards/workflows';
import type { WorkflowToStart } from '../../domain/platform/workflows';

type RankCheckStart = WorkflowToStart<[RankCheckInput]>;

/** The parts that {@link RankCheckStarts} needs. */
export interface RankCheckStartsParts {
  /** Starts a workflow unless it is running already. */
  startOnce(workflow: RankCheckStart): Promise<unknown>;
  logger: { error(fields: object, text: string): void };
  onFault(error: unknown): void;
}

/** The check of all boards, which the schedule and a gap in the stream start. */
export const checkOfAll: RankCheckStart = {
  type: RANK_CHECK_TYPE,
  workflowId: RANK_CHECK_ID,
  taskQueue: LEADERBOARDS_QUEUE,
  args: [{ mode: 'audit' }],
  staticSummary: 'Checks all ranks against the scores',
};

const checkOf = (mode: CheckMode, gameId: string): RankCheckStart => ({
  type: RANK_CHECK_TYPE,
  workflowId: rankCheckId(mode, gameId),
  taskQueue: LEADERBOARDS_QUEUE,
  args: [{ mode, gameId }],
  staticSummary: `Ranks of ${gameId}: ${mode}`,
});

/** Starts rank checks: on request, and where ranks may differ from the scores. */
export class RankCheckStarts {
  constructor(private readonly parts: RankCheckStartsParts) {}

  /** Starts the check of a board, unless it is running. @returns its workflow id */
  async start(mode: CheckMode, gameId: string): Promise<string> {
    const workflow = checkOf(mode, gameId);
    await this.parts.startOnce(workflow);
    return workflow.workflowId;
  }

  /** Checks a board whose rank tree lacks nodes. Never throws and never waits. */
  afterDamage(gameId: string, error: unknown): void {
    const { logger, onFault } = this.parts;
    logger.error({ err: error, gameId }, 'a ranking is damaged; a check compares it with its table and rebuilds it');
    this.start('audit', gameId).catch(onFault);
  }

  /** Checks all boards after records of the stream were lost. Never throws and never waits. */
  afterGap(): void {
    this.parts.startOnce(checkOfAll).catch(this.parts.onFault);
  }
}
