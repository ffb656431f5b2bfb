import { LongwatchError } from '../errors';

/** Maximum number of authors that a user may follow; a read of the feed may have to read all of them. */
export const MAX_FOLLOWING = 5_000;

/**
 * Checks that a relation is between two users.
 * @throws LongwatchError `invalid` if both are the same user
 */
export function mustDiffer(one: string, other: string): void {
  if (one !== other) return;
  throw new LongwatchError('invalid', 'A user cannot follow or block themselves', {
    faults: [{ field: 'path.otherId', message: 'must be another user' }],
  });
}

/**
 * Returns why a reader cannot follow an author, or undefined.
 * @param blocks whether the reader has blocked the author
 * @param blockedBy whether the author has blocked the reader
 * @param following number of users that the reader follows
 * @returns LongwatchError `conflict`
 */
export function faultOfFollow(
  readerId: string,
  authorId: string,
  { blocks, blockedBy, following }: { blocks: boolean; blockedBy: boolean; following: number },
): LongwatchError | undefined {
  if (blocks || blockedBy)
    return new LongwatchError('conflict', `${readerId} cannot follow ${authorId}: one has blocked the other`);
  if (following >= MAX_FOLLOWING)
    return new LongwatchError(
      'conflict',
      `${readerId} follows ${MAX_FOLLOWING} users, the maximum; unfollow one first`,
    );
  return undefined;
}
