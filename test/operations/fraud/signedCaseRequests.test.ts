import { ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { SignedCaseRequests, type SignedCaseRequestsParts } from '../../../src/operations/fraud/signedCaseRequests';

it('a server that takes no update for a moment is away: the caller is told to send it again', async () => {
  // What Temporal says of a case whose last task failed as its worker died cannot be brought about at will.
  const cause = Object.assign(
    new Error(
      '9 FAILED_PRECONDITION: Unable to perform workflow execution update due to Workflow Task in failed state.',
    ),
    { code: 9, details: '', metadata: {} },
  );
  const updates = new SignedCaseRequests({
    temporal: { client: {}, within: () => Promise.reject(new ServiceError('Workflow Update failed', { cause })) },
    attestations: { attest: async () => undefined },
    investigations: { find: async () => ({}) },
  } as unknown as SignedCaseRequestsParts);
  await expect(
    updates.send('tx-1', { name: 'ana', role: 'investigator' }, { kind: 'decide', decision: 'fraud' }),
  ).rejects.toMatchObject({ type: 'unavailable', detail: { retryAfterSeconds: 5 } });
});

describe('a case without a workflow', () => {
  const send = (status: string, kind: 'answer' | 'note') => {
    const gone = new WorkflowNotFoundError('gone', 'investigation/tx-1', undefined);
    const updates = new SignedCaseRequests({
      temporal: { client: {}, within: () => Promise.reject(gone) },
      attestations: { attest: async () => undefined },
      investigations: { find: async () => ({ transactionId: 'tx-1', status }) },
    } as unknown as SignedCaseRequestsParts);
    const request = kind === 'answer' ? { kind, answer: 'yes' as const } : { kind, text: 'called' };
    return updates.send('tx-1', { name: 'ada', role: 'customer' }, request);
  };

  it.each([
    ['closed-fraud', 'note', /case of tx-1 is closed; read it with GET/],
    ['waiting', 'note', /No workflow runs for the case of tx-1/],
    ['closed-fraud', 'answer', /^The payment has been decided/],
    ['asking', 'answer', /^Your answer cannot be recorded yet/],
  ] as const)('that is %s refuses a request of kind %s in words for its sender', async (status, kind, sentence) => {
    await expect(send(status, kind)).rejects.toMatchObject({
      type: 'conflict',
      message: expect.stringMatching(sentence),
    });
  });
});
