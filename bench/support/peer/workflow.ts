import { condition, defineUpdate, proxyLocalActivities, setHandler } from '@temporalio/workflow';

export const PEER_QUEUE = 'bench-peer';

export interface PeerActivities {
  /** Takes the whole bare decision in one local activity, the fastest form for the peer. */
  decide(id: string, user: string, merchant: string): Promise<string>;
}

const { decide } = proxyLocalActivities<PeerActivities>({ startToCloseTimeout: '10 s', retry: { maximumAttempts: 1 } });

export const decideNow = defineUpdate<string, [string, string, string]>('decideNow');

/** A workflow per transaction. It starts together with the update that takes the decision, and ends after it. */
export async function decideInWorkflow(): Promise<void> {
  let done = false;
  setHandler(decideNow, async (id, user, merchant) => {
    const answer = await decide(id, user, merchant);
    done = true;
    return answer;
  });
  await condition(() => done);
}

/** A workflow per record, as a stream consumer would start it for each record, without an update. */
export async function decideRecord(id: string, user: string, merchant: string): Promise<string> {
  return decide(id, user, merchant);
}
