import { type SimulatedTransaction, simulate } from '../../src/domain/fraud/simulation';

const DAY_MS = 86_400_000;
const DAYS = 20;

/** Genuine payments of a population, in the order of their times, without end: each run of it starts a new one. */
export class Payments {
  private population = 0;
  private source = this.simulate();

  /** The next payment, and as it is posted. */
  next(): { transaction: SimulatedTransaction['transaction']; body: string } {
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
