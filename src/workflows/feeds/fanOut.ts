import { continueAsNew } from '@temporalio/workflow';
import { showDetails } from '../cancellation';
import { followerActivities } from './activities';
import type { FanOutInput } from '../../domain/feeds/workflows';
import { throughFollowers } from './followers';

/** Writes a post into the followers' feeds (fan-out on write). */
export async function fanOut(input: FanOutInput): Promise<void> {
  const { post, plan, carried, followers } = input;
  const { deliver } = followerActivities(post.authorId, plan);
  const left = await throughFollowers(
    plan,
    carried,
    (slice) => deliver(post, slice),
    (rows, open) =>
      showDetails(`In **${rows}** of about ${followers} feeds; ${open} of ${plan.ranges} ranges are left.`),
  );
  if (left) await continueAsNew<typeof fanOut>({ ...input, carried: left });
}
