import { settleRelation } from './activities';
import type { RelationChange, RelationOutcome } from '../../domain/feeds/workflows';

/** Updates a reader's feed after a follow or an unfollow. */
export async function relation(change: RelationChange): Promise<RelationOutcome> {
  return settleRelation(change);
}
