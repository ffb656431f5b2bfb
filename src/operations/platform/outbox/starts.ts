import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { isPermanent, LongwatchError } from '../../../domain/errors';
import type { Debt } from '../../../domain/platform/outbox';
import type { Temporal } from '../../../gateways/temporal';
import { isRefusedByTemporal } from '../../../gateways/temporal/calls';
import type { Ledger } from '../../../stores/platform/outbox';
import { currentCarrier, withCarrier } from '../../../telemetry/carrier';
import { typedSearchAttributes } from '../../../domain/platform/searchAttributes';

export type StartDebt = Extract<Debt, { kind: 'start' }>;
export type StartResult = 'started' | 'already-started' | 'failed';

export interface StartsParts {
  temporal: Pick<Temporal, 'client' | 'within'>;
  ledger: Ledger;
  onResult?(result: StartResult): void;
}

/** Starts under way at once, and waiting; beyond that the relay pays. */
const CONCURRENCY = 16;
const WAITING = 1_000;
/** After a failure nothing is tried for this long: Temporal is away, and the relay will pay. */
const PAUSE_MS = 2_000;

/**
 * Hands owed starts to Temporal. An id is started at most once whatever happens: reuse of a closed
 * workflow's id is refused (REJECT_DUPLICATE) and a running one is left alone (conflict policy FAIL), both
 * of which mean that the debt is paid.
 */
export class Starts {
  private readonly waiting: StartDebt[] = [];
  private underWay = 0;
  private pausedUntil = 0;
  private idle: (() => void)[] = [];

  constructor(private readonly parts: StartsParts) {}

  /** Starts the workflow, then strikes out the debt. @throws LongwatchError `unavailable` while Temporal is away, `refused` where it will never take the start. */
  async startNow(debt: StartDebt): Promise<void> {
    const { start } = debt;
    let result: StartResult = 'started';
    try {
      const call = () =>
        this.parts.temporal.client.workflow.start(start.workflowType, {
          workflowId: start.workflowId,
          taskQueue: start.taskQueue,
          args: start.args,
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: start.summary,
          typedSearchAttributes: typedSearchAttributes(start.searchAttributes),
          // A delayed first task is part of the start: it saves the timer, which is a billable action.
          ...(start.notBefore !== undefined && start.notBefore > Date.now() && { startDelay: start.notBefore - Date.now() }),
        });
      // Whoever pays it, it is the work of the request that owes it.
      await withCarrier(start.carrier, () => this.parts.temporal.within(call));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        this.parts.onResult?.('failed');
        const what = isGrpcServiceError(error) ? error.details : String(error);
        throw new LongwatchError(isRefusedByTemporal(error) ? 'refused' : 'unavailable', `Temporal did not take the start of ${start.workflowId}: ${what}`, { cause: error });
      }
      result = 'already-started';
    }
    await this.parts.ledger.settle(debt);
    this.parts.onResult?.(result);
  }

  /** Starts after the answer, without anybody waiting. Never throws: what fails stays owed and is the relay's. */
  startSoon(debt: Debt): void {
    if (debt.kind !== 'start' || this.waiting.length >= WAITING || Date.now() < this.pausedUntil) return;
    const carrier = debt.start.carrier ?? currentCarrier();
    this.waiting.push({ ...debt, start: { ...debt.start, ...(carrier && { carrier }) } });
    this.next();
  }

  private next(): void {
    while (this.underWay < CONCURRENCY && this.waiting.length > 0) {
      const debt = this.waiting.shift();
      if (!debt) break;
      this.underWay++;
      this.startNow(debt)
        .catch((error: unknown) => {
          // Owed still, and the relay's: it keeps the start as a dead letter. The others are not refused with it.
          if (isPermanent(error)) return;
          // Owed still: the relay pays. One failure says that the others would fail too.
          this.pausedUntil = Date.now() + PAUSE_MS;
          this.waiting.length = 0;
        })
        .finally(() => {
          this.underWay--;
          this.next();
        });
    }
    if (this.underWay === 0 && this.waiting.length === 0) for (const done of this.idle.splice(0)) done();
  }

  /** Waits until what was taken is started, at most so long; the rest is the relay's. */
  async drain(boundMs: number): Promise<void> {
    if (this.underWay === 0 && this.waiting.length === 0) return;
    const idle = new Promise<void>((resolve) => this.idle.push(resolve));
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => (timer = setTimeout(resolve, boundMs)));
    await Promise.race([idle, bound]);
    clearTimeout(timer);
  }
}
