import { Counter, Gauge, type Registry } from 'prom-client';
import type { CartCountName, CartCounts } from '../domain/carts/cart';
import { cachedRead } from './cachedRead';

type Totals = Readonly<Record<string, number>>;

/** Events whose counters start at 0: Prometheus sees no increase in a series whose first sample is 1. */
const checkoutEvents = ['held', 'short', 'confirmed', 'cancelled', 'expired', 'refund-due'] as const;

const READ_EVERY_MS = 5_000;

/** Metrics of carts and checkouts. */
export class CartMetrics {
  private readonly changes: Counter<'what'>;
  private readonly checkouts: Counter<'what'>;
  private totals: () => Promise<Totals | undefined> = async () => undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    this.changes = new Counter({
      name: 'longwatch_carts_total',
      help: 'Carts opened, reminded, recovered, abandoned, … by this process',
      labelNames: ['what'],
      registers,
    });
    this.checkouts = new Counter({
      name: 'longwatch_checkouts_total',
      help:
        'Checkouts in this process, by event: held, short (too little stock), confirmed, cancelled, ' +
        'expired, refund-due (a payment must be refunded)',
      labelNames: ['what'],
      registers,
    });
    for (const what of checkoutEvents) this.checkouts.inc({ what }, 0);
    const carts: Gauge<'what'> = new Gauge({
      name: 'longwatch_carts',
      help:
        'Carts of all processes: open is the current number; opened, reminded, recovered, abandoned, … are ' +
        'totals since the first start',
      labelNames: ['what'],
      registers,
      collect: async () => {
        for (const [what, count] of Object.entries((await this.totals()) ?? {})) carts.set({ what }, count);
      },
    });
  }

  /** Adds the changes that a write made. */
  counted(counts: CartCounts): void {
    for (const [what, count] of Object.entries(counts) as [CartCountName, number][]) this.changes.inc({ what }, count);
  }

  /** Counts a checkout event. */
  checkout(what: (typeof checkoutEvents)[number]): void {
    this.checkouts.inc({ what });
  }

  /** Sets the source of the totals over all processes. It is read when Prometheus scrapes, at most every 5 s. */
  watchTotals(read: () => Promise<Totals>): void {
    this.totals = cachedRead(read, { everyMs: READ_EVERY_MS });
  }
}
