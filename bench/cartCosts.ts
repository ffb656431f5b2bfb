import { Client, Connection } from '@temporalio/client';
import { readAddresses } from '../src/local/addresses';
import type { StoreCall } from '../src/stores/dynamodb';
import { cartWorkflowId, checkoutWorkflowId } from '../src/domain/carts/workflows';
import { billableActions } from '../test/support/histories';
import type { buildShop } from '../test/support/checkouts';
import { removeDataDir, startLongwatch } from '../test/support/stack';
import { retried } from './support/http';
import { TITLE } from './support/bareShop';

/** Prints the units of a change and of a read, by the number of lines in the cart. */
export async function unitsOfCarts(shop: ReturnType<typeof buildShop>, calls: StoreCall[]): Promise<void> {
  const unitsOf = async (work: () => Promise<unknown>, of: 'readUnits' | 'writeUnits') => {
    calls.length = 0;
    await work();
    return calls.reduce((sum, one) => sum + one[of], 0);
  };
  console.log('\nUnits by number of lines in a cart (a line and a header in one transaction would write 4):');
  let lines = 0;
  for (const wanted of [1, 3, 5, 10, 20, 50, 100, 200]) {
    for (; lines < wanted; lines++) {
      const productId = `SKU-${10_000 + lines}`;
      await shop.products.put({ productId, title: TITLE, price: 1_999, currency: 'EUR' });
      await shop.carts.change('user-of-units', { kind: 'set', productId, quantity: 1 });
    }
    const write = await unitsOf(
      () => shop.carts.change('user-of-units', { kind: 'set', productId: 'SKU-10000', quantity: 2 }),
      'writeUnits',
    );
    const read = await unitsOf(() => shop.store.read('user-of-units'), 'readUnits');
    console.log(`  ${String(wanted).padStart(3)} lines: a change writes ${write}, a read consumes ${read}`);
  }
}

/**
 * Prints the billable actions of an abandoned cart and of checkouts, on a stack whose timers run in seconds instead of
 * hours.
 */
export async function actionsOfCarts(): Promise<void> {
  const stack = await startLongwatch({
    TEMPORAL_UI_PORT: '0',
    LONGWATCH_CART_REMINDERS: '2s,4s,6s',
    LONGWATCH_CART_ABANDON_AFTER_MS: '8000',
    LONGWATCH_CART_QUIET_HOURS: 'none',
    LONGWATCH_CHECKOUT_HOLD_MS: '2000',
  });
  try {
    const connection = await Connection.connect({ address: readAddresses(stack.dataDir)!.parts.Temporal });
    const { workflow } = new Client({ connection });
    const put = (path: string, body: object) =>
      retried(() =>
        fetch(`${stack.url}${path}`, {
          method: 'PUT',
          body: JSON.stringify(body),
          headers: { authorization: `Bearer ${stack.key}`, 'content-type': 'application/json' },
        }),
      );
    await put('/v1/products/book', { title: TITLE, price: 1_999, currency: 'EUR', stockOnHand: 10 });
    await put('/v1/carts/alone/items/book', { quantity: 1 });
    await put('/v1/carts/buyer/items/book', { quantity: 1 });
    const { json: checkout } = await retried(() => stack.post('/v1/carts/buyer/checkout', {}));
    await retried(() => stack.post(`/v1/checkouts/${checkout.checkoutId}/confirm`, { paymentReference: 'pay' }));
    console.log('\nBillable actions, from histories:');
    for (const [what, id] of [
      ['a cart with the full ladder', cartWorkflowId('alone', 1)],
      ['a cart that is ordered before its first reminder', cartWorkflowId('buyer', 1)],
      ['a checkout', checkoutWorkflowId(checkout.checkoutId)],
    ] as const) {
      const handle = workflow.getHandle(id);
      const result = await handle.result();
      console.log(`  ${what.padEnd(50)} ${billableActions(await handle.fetchHistory())}  ${JSON.stringify(result)}`);
    }
    await connection.close();
  } finally {
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}
