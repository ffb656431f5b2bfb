import { createHash } from 'node:crypto';
import { reasonOf } from '../../../domain/errors';
import type { Debt } from '../../../domain/platform/outbox';
import type { DeadLetter, DeadLetterStore } from '../../../stores/platform/deadLetters';
import type { Cases } from '../../fraud/cases';
import type { Redriver } from '../deadLetters/deadLetters';
import type { Starts } from './starts';

/** Source of the dead letters of the start ledger. */
export const DEBT_LETTERS = 'ledger';

/** An entry of the ledger that will never be taken, as a dead letter. */
export function debtLetter(debt: Debt, error: unknown): DeadLetter {
  const id = debt.kind === 'start' ? debt.start.workflowId : debt.rescore.transactionId;
  const position = createHash('sha256').update(id).digest('hex');
  return { source: DEBT_LETTERS, shardId: debt.kind, position, reason: reasonOf(error), record: Buffer.from(JSON.stringify(debt)), arrivedAt: debt.dueAt, at: Date.now() };
}

/** Takes entries of the ledger that were kept as dead letters once more. Both kinds may be taken twice. */
export class DebtRedriver implements Redriver {
  constructor(private readonly parts: { starts: Pick<Starts, 'startNow'>; cases: Pick<Cases, 'rescoreBatch'>; letters: Pick<DeadLetterStore, 'discard'> }) {}

  async redrive(letters: readonly DeadLetter[]): Promise<(string | undefined)[]> {
    const reasons: (string | undefined)[] = [];
    for (const letter of letters) {
      try {
        const debt = JSON.parse(Buffer.from(letter.record).toString('utf8')) as Debt;
        await (debt.kind === 'start' ? this.parts.starts.startNow(debt) : this.parts.cases.rescoreBatch([debt.rescore.transactionId]));
        await this.parts.letters.discard(letter);
        reasons.push(undefined);
      } catch (error) {
        reasons.push(reasonOf(error));
      }
    }
    return reasons;
  }
}
