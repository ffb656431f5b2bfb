import { settleRelation } from './activities';
import type { RelationChange, Settled } from '../../domain/feeds/workflows';

/** Makes a reader's feed agree with whom they follow now, after they began or ceased to follow somebody. */
export async function relation(change: RelationChange): Promise<Settled> {
  return settleRelation(change);
}
