import { ServiceError } from '@temporalio/client';
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
