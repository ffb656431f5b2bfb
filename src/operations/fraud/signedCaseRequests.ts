import { createHash } from 'node:crypto';
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Caller } from '../../domain/platform/caller';
import { LongwatchError } from '../../domain/errors';
import { type CaseRequest, claimOf } from '../../domain/fraud/investigationRequests';
import type { Temporal } from '../../gateways/temporal';
import type { AttestationStore } from '../../stores/fraud/attestations';
import type { CaseRecord, InvestigationStore } from '../../stores/fraud/investigations';
import { investigationId, type UpdateOutcome } from '../../domain/fraud/workflows';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link SignedCaseRequests} needs. */
export interface SignedCaseRequestsParts {
  temporal: Pick<Temporal, 'client' | 'within'>;
  attestations: AttestationStore;
  investigations: InvestigationStore;
  clock?: Clock;
}

/** A request without the sender's name. {@link SignedCaseRequests.send} adds the authenticated name. */
export type Unsigned<R extends CaseRequest = CaseRequest> = R extends CaseRequest
  ? Omit<R, 'by' | 'attestation'>
  : never;

/** Maximum wait for the workflow's answer. */
const UPDATE_DEADLINE_MS = 15_000;

/** Sends requests of authenticated callers to a case's workflow, each with an attestation of the caller. */
export class SignedCaseRequests {
  private readonly clock: Clock;

  constructor(private readonly parts: SignedCaseRequestsParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Sends a request and waits until the workflow has recorded it. Requests of the same caller with the same content and
   * key count as one.
   * @param key idempotency key
   * @throws LongwatchError `notFound`, `conflict` (the case refuses the request; the message has its reason), `refused`
   *   (the request cannot be stored), `unavailable` (Temporal does not answer)
   */
  async send(
    transactionId: string,
    caller: Pick<Caller, 'name'> & { role: string },
    request: Unsigned,
    key?: string,
  ): Promise<UpdateOutcome> {
    const signed = { ...request, by: caller.name } as CaseRequest;
    const id = this.requestId(transactionId, caller.name, signed, key);
    const found = await this.parts.investigations.find(transactionId);
    if (!found) throw new LongwatchError('notFound', `There is no investigation of ${transactionId}`);
    await this.parts.attestations.attest({
      id,
      transactionId,
      name: caller.name,
      role: caller.role,
      claim: claimOf(signed),
      at: this.clock.now(),
    });
    const { kind, ...payload } = signed;
    try {
      return await this.parts.temporal.within(
        () =>
          this.parts.temporal.client.workflow
            .getHandle(investigationId(transactionId))
            .executeUpdate<UpdateOutcome, [object]>(kind, { updateId: id, args: [{ ...payload, attestation: id }] }),
        UPDATE_DEADLINE_MS,
      );
    } catch (error) {
      throw updateFailure(error, found, kind);
    }
  }

  /** Derives the request's id. Without a key, a repetition within the same minute counts as the same request. */
  private requestId(transactionId: string, name: string, request: CaseRequest, key: string | undefined): string {
    const once = key ?? String(Math.floor(this.clock.now() / 60_000));
    return createHash('sha256')
      .update(JSON.stringify([transactionId, name, request, once]))
      .digest('base64url')
      .slice(0, 32);
  }
}

function updateFailure(
  error: unknown,
  { transactionId, status }: Pick<CaseRecord, 'transactionId' | 'status'>,
  kind: CaseRequest['kind'],
): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    const sentence = error.cause instanceof ApplicationFailure ? error.cause.message : error.message;
    if (error.cause instanceof ApplicationFailure && error.cause.type === 'refused')
      return new LongwatchError('refused', sentence, { cause: error });
    return new LongwatchError('conflict', sentence, { cause: error });
  }
  if (error instanceof WorkflowNotFoundError)
    return new LongwatchError('conflict', (kind === 'answer' ? noAnswer : noCase)(transactionId, status), {
      cause: error,
    });
  // The Temporal client wraps the server's error in a ServiceError. This includes a moment after a worker died, when
  // the server accepts no update for a case whose last workflow task failed.
  if (
    isGrpcServiceError(error) ||
    error instanceof ServiceError ||
    (error instanceof Error && /deadline|cancel|unavailable/i.test(error.message))
  )
    return new LongwatchError(
      'unavailable',
      'Temporal is unavailable or did not answer in time. Send the same request again with the same ' +
        'Idempotency-Key; it counts once',
      { retryAfterSeconds: 5, cause: error },
    );
  return error;
}

/** Returns why a case without a workflow takes no request, for the staff. */
const noCase = (transactionId: string, status: CaseRecord['status']): string =>
  status.startsWith('closed')
    ? `The case of ${transactionId} is closed; read it with GET /v1/investigations/${transactionId}`
    : `No workflow runs for the case of ${transactionId}: it is about to start, or it was stopped and is restarted ` +
      'within minutes. Then send the same request again';

/** The same for a customer. */
const noAnswer = (_transactionId: string, status: CaseRecord['status']): string =>
  status.startsWith('closed')
    ? 'The payment has been decided, so your answer is not needed any more. Please call us if something is wrong'
    : 'Your answer cannot be recorded yet. Please try again in some minutes';
