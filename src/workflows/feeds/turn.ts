import { continueAsNew } from '@temporalio/workflow';
import { showDetails } from '../cancellation';
import { completeTurn, followerActivities } from './activities';
import type { ModeChangeInput } from '../../domain/feeds/workflows';
import { throughFollowers } from './followers';

/**
 * Changes an author's mode between fan-out on write and fan-out on read. Posts are pushed until every follower's feed
 * is ready for the new mode.
 */
export async function turn(input: ModeChangeInput): Promise<void> {
  const { plan, carried, followers } = input;
  const { turnFollowers } = followerActivities(input.turn.authorId, plan);
  const left = await throughFollowers(
    plan,
    carried,
    (slice) => turnFollowers(input.turn, slice),
    (rows, open) =>
      showDetails(`**${rows}** of about ${followers} followers processed; ${open} of ${plan.ranges} ranges are left.`),
  );
  if (left) return continueAsNew<typeof turn>({ ...input, carried: left });
  await completeTurn(input.turn);
}
