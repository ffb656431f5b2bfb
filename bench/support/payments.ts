import { type SimulatedTransaction, simulate } from '../../src/domain/fraud/simulation';

const DAY_MS = 86_400_000;
const DAYS = 20;

/** A payment, and the body that posts it. */
interface Payment {
  transaction: SimulatedTransaction['transaction'];
  body: string;
}

/**
 * An endless source of genuine payments in time order. After `DAYS` days it continues with a new population of users.
 */
export class Payments {
  private population = 0;
  private source = this.simulate();
  private readonly ready: Payment[] = [];

  /** Returns the next payment. */
  next(): Payment {
    return this.ready.shift() ?? this.make();
  }

  /** Makes payments in advance, so that at least this many are ready. */
  prepare(count: number): void {
    while (this.ready.length < count) this.ready.push(this.make());
  }

  private make(): Payment {
    let { value, done } = this.source.next();
    if (done) {
      this.source = this.simulate();
      ({ value, done } = this.source.next());
    }
    const { transaction } = value as SimulatedTransaction;
    return {
      transaction,
      body: JSON.stringify({ ...transaction, timestamp: new Date(transaction.timestamp).toISOString() }),
    };
  }

  private simulate(): Iterator<SimulatedTransaction> {
    const start = (Math.floor(Date.now() / DAY_MS) - DAYS) * DAY_MS;
    const prefix = `bench-${this.population++}-`;
    return simulate({
      seed: 7 + this.population,
      customers: 1_500,
      merchants: 80,
      days: DAYS,
      start,
      fraudRate: 0,
      prefix,
    })[Symbol.iterator]();
  }
}
