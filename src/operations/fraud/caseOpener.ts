import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import { type Decision, moreSevere, type Reason } from '../../domain/fraud/decision';
import { startEntry } from '../../domain/platform/outbox';
import { conditionHolds } from '../../stores/conditionHolds';
import type { Db } from '../../stores/dynamodb';
import type { DecidedTransaction, DecisionStore } from '../../stores/fraud/decisions';
import type { InvestigationStore } from '../../stores/fraud/investigations';
import type { TransactItem } from '../../stores/platform/outbox';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { investigationStart, type InvestigationPolicy } from '../../domain/fraud/workflows';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link CaseOpener} needs. */
export interface CaseOpenerParts {
  db: Db;
  decisions: DecisionStore;
  investigations: InvestigationStore;
  outbox: OutboxWriter;
  clock?: Clock;
}

/** Opens investigations after the decision: on request, or because a later score is more severe. */
export class CaseOpener {
  private readonly clock: Clock;

  constructor(
    private readonly parts: CaseOpenerParts,
    private readonly policy: InvestigationPolicy,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Opens an investigation of any decided transaction. If there is one already, changes nothing.
   * @returns whether this call opened it
   * @throws LongwatchError `notFound` if the transaction was never decided
   */
  async open(transactionId: string, openedBy: string): Promise<{ opened: boolean }> {
    const found = await this.parts.decisions.find(transactionId);
    if (!found) throw new LongwatchError('notFound', `There is no transaction ${transactionId}`);
    const reason: Reason = { code: 'OPENED_BY_HAND', text: `opened by ${openedBy}`, source: 'rule', outcome: 'review' };
    return { opened: await this.openWith(found, reason) };
  }

  private openWith(found: DecidedTransaction, reason: Reason): Promise<boolean> {
    const decision: Decision = {
      ...found.decision,
      outcome: moreSevere(found.decision.outcome, 'review'),
      reasons: [reason, ...found.decision.reasons],
    };
    return this.openCase({ ...found, decision }, []);
  }

  /**
   * Writes the case, the outbox entry of its workflow and the given items in one transaction.
   * @returns false if the case exists already
   */
  async openCase({ transaction, decision }: DecidedTransaction, also: TransactItem[]): Promise<boolean> {
    const now = this.clock.now();
    const facts = { transaction, decision, openedAt: now };
    const start = startEntry(investigationStart(facts, this.policy), now);
    const opening = [this.parts.investigations.openingItem(facts), this.parts.outbox.recording(start)];
    const TransactItems = [...also, ...opening];
    const opened = await conditionHolds(() => this.parts.db.client.send(new TransactWriteCommand({ TransactItems })));
    if (opened) this.parts.outbox.dispatchSoon(start);
    return opened;
  }
}
