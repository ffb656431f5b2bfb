import { condition, defineUpdate, proxyLocalActivities, setHandler } from '@temporalio/workflow';

export const PEER_QUEUE = 'bench-peer';

export interface PeerActivities {
  /** The whole bare decision in one local activity: the friendliest form for the peer. */
  decide(id: string, user: string, merchant: string): Promise<string>;
}

const { decide } = proxyLocalActivities<PeerActivities>({ startToCloseTimeout: '10 s', retry: { maximumAttempts: 1 } });

export const decideNow = defineUpdate<string, [string, string, string]>('decideNow');

/** A workflow a transaction: started together with the update that takes the decision, and then over. */
export async function decideInWorkflow(): Promise<void> {
  let done = false;
  setHandler(decideNow, async (id, user, merchant) => {
    const answer = await decide(id, user, merchant);
    done = true;
    return answer;
  });
  await condition(() => done);
}

/** A workflow a record, as a consumer would start it that hands each on: nobody waits for an update. */
export async function decideRecord(id: string, user: string, merchant: string): Promise<string> {
  return decide(id, user, merchant);
}
