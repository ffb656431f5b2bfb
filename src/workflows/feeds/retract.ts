import { continueAsNew } from '@temporalio/workflow';
import { showDetails } from '../cancellation';
import { followerActivities } from './activities';
import type { FanOutInput } from '../../domain/feeds/workflows';
import { throughFollowers } from './followers';

/** Removes a deleted post from the followers' feeds. Reads already leave the post out. */
export async function retract(input: FanOutInput): Promise<void> {
  const { post, plan, carried, followers } = input;
  const activities = followerActivities(post.authorId, plan);
  const left = await throughFollowers(
    plan,
    carried,
    (slice) => activities.retract(post, slice),
    (rows, open) =>
      showDetails(`Removed from **${rows}** of about ${followers} feeds; ${open} of ${plan.ranges} ranges are left.`),
  );
  if (left) await continueAsNew<typeof retract>({ ...input, carried: left });
}
