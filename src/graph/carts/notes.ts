import type { CartCountName, CartCounts } from '../../domain/carts/cart';
import type { Happening } from '../../domain/platform/happening';
import type { Services } from '../capability';

const checkouts = {
  held: { tone: 'routine', text: 'stock held for a checkout' },
  short: { tone: 'notable', text: 'checkout refused: too little stock' },
  confirmed: { tone: 'notable', text: 'order placed' },
  cancelled: { tone: 'routine', text: 'checkout cancelled' },
  expired: { tone: 'routine', text: 'hold expired without payment, stock released' },
  'refund-due': { tone: 'problem', text: 'payment arrived too late or twice; a refund is due' },
} as const satisfies Record<string, Pick<Happening, 'tone' | 'text'>>;

/** The events of a checkout. */
export type CheckoutEvent = keyof typeof checkouts;

/** Shows a checkout's event on the overview page. */
export function noteCheckout(what: CheckoutEvent, note: Services['note']): void {
  note({ area: 'carts', ...checkouts[what], count: 1 });
}

/**
 * The counted cart events that the overview page shows. Events of checkouts are missing, because `noteCheckout` shows
 * them.
 */
const carts: Partial<Record<CartCountName, Pick<Happening, 'tone' | 'text'>>> = {
  opened: { tone: 'routine', text: 'cart opened' },
  reminded: { tone: 'notable', text: 'customer reminded of a cart' },
  recovered: { tone: 'notable', text: 'customer came back after a reminder' },
  abandoned: { tone: 'notable', text: 'cart abandoned' },
};

/** Shows counted cart events on the overview page. */
export function noteCarts(counts: CartCounts, note: Services['note']): void {
  for (const [name, count] of Object.entries(counts) as [CartCountName, number][]) {
    const told = carts[name];
    if (told && count > 0) note({ area: 'carts', ...told, count });
  }
}
