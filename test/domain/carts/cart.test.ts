import { MAX_KEYS } from '../../../src/domain/carts/idempotencyKeys';
import * as fc from 'fast-check';
import {
  type Cart,
  type CartLine,
  MAX_LINES,
  MAX_QUANTITY,
  mergePolicies,
  mustBeVersion,
  visibleLines,
} from '../../../src/domain/carts/cart';
import { afterOrder, type CartStep, changeCart, closed, emptyCart } from '../../../src/domain/carts/cartChanges';
import { mergeCarts } from '../../../src/domain/carts/cartMerge';

const product = { title: 'A book', price: 100, currency: 'EUR' };
const facts = { userId: 'ada', now: 1_000 };
const statuses = ['open', 'ordered', 'emptied', 'merged', 'abandoned'] as const;

const line = (productId: string, quantity: number): CartLine => ({ ...product, productId, quantity, addedAt: 5 });
const cartOf = (quantities: Readonly<Record<string, number>>, over: Partial<Cart> = {}): Cart => ({
  userId: 'ada',
  number: 3,
  version: 7,
  status: 'open',
  openedAt: 10,
  lastActivityAt: 20,
  lines: Object.entries(quantities).map(([productId, quantity]) => line(productId, quantity)),
  keys: {},
  ...over,
});
const quantitiesOf = (lines: readonly CartLine[]): Record<string, number> =>
  Object.fromEntries(lines.map(({ productId, quantity }) => [productId, quantity]));

const arbitraryQuantities = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  fc.integer({ min: 1, max: MAX_QUANTITY }),
);
const arbitraryCart = fc
  .record({ quantities: arbitraryQuantities, status: fc.constantFrom(...statuses), reminded: fc.boolean() })
  .map(({ quantities, status, reminded }) =>
    cartOf(quantities, { status, ...(reminded && { reminded: { rung: 1, at: 15 } }) }),
  );

describe('changes', () => {
  it('keep within the limits or change nothing, and a cart that ends or is reminded has another after it', () => {
    const change = fc.record({
      kind: fc.constantFrom('set', 'add', 'remove'),
      productId: fc.constantFrom('a', 'b', 'c'),
      quantity: fc.integer({ min: 1, max: MAX_QUANTITY }),
      reminded: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let cart: Cart | undefined;
        let opened = 0;
        let ended = 0;
        for (const [now, { reminded, ...one }] of changes.entries()) {
          const before: Cart | undefined =
            cart && reminded && cart.status === 'open' ? Object.assign(cart, { reminded: { rung: 1, at: now } }) : cart;
          let step;
          try {
            step = changeCart(before, one as Parameters<typeof changeCart>[1], { userId: 'u', now, product });
          } catch (error) {
            expect(error).toMatchObject({ type: 'conflict' });
            continue;
          }
          if (!step) continue;
          cart = step.cart;
          opened += step.counts.opened ?? 0;
          ended += step.counts.closed ?? 0;
          expect(cart.version).toBe((before?.version ?? 0) + 1);
          expect(cart.lines.length).toBeLessThanOrEqual(MAX_LINES);
          for (const { quantity } of cart.lines) expect(quantity >= 1 && quantity <= MAX_QUANTITY).toBe(true);
          expect(cart.lines.length > 0).toBe(cart.status === 'open');
          expect(step.opens).toBe(cart.number > (before?.number ?? 0));
          expect(opened - ended).toBe(cart.status === 'open' ? 1 : 0);
        }
      }),
    );
  });
});

it('an abandoned cart is found again by its customer, an ordered one is not', () => {
  const found = statuses.filter((status) => visibleLines(cartOf({ a: 1 }, { status })).length > 0);
  expect(found).toEqual(['open', 'abandoned']);
  expect(visibleLines(undefined)).toEqual([]);
});

it('a line keeps its place, its price and its time when its quantity changes', () => {
  const before = cartOf({ a: 1, b: 2, c: 3 });
  const { cart } = changeCart(
    before,
    { kind: 'add', productId: 'b', quantity: 5 },
    { ...facts, product: { ...product, price: 999 } },
  )!;
  expect(cart.lines).toEqual([line('a', 1), line('b', 7), line('c', 3)]);
});

it.each([
  ['fewer than are there', { kind: 'add', productId: 'a', quantity: -1 }, /would leave none/],
  ['more than a line may have', { kind: 'add', productId: 'a', quantity: MAX_QUANTITY }, /the limit of 999/],
] as const)('a change to %s is refused and changes nothing', (_, change, sentence) => {
  expect(() => changeCart(cartOf({ a: 1 }), change, { ...facts, product })).toThrow(sentence);
});

it('a cart has 200 lines at most, and one that is full takes more of what it has', () => {
  const full = cartOf(Object.fromEntries(Array.from({ length: MAX_LINES }, (_, i) => [`p${i}`, 1])));
  expect(() => changeCart(full, { kind: 'set', productId: 'new', quantity: 1 }, { ...facts, product })).toThrow(
    /200 lines, the maximum/,
  );
  expect(changeCart(full, { kind: 'set', productId: 'p0', quantity: 9 }, { ...facts, product })!.cart.lines[0]).toEqual(
    line('p0', 9),
  );
});

it('the keys of the latest requests are kept, however many there were, and the newest is among them', () => {
  let cart: Cart | undefined;
  for (let i = 0; i < 100; i++) {
    const step: CartStep = changeCart(
      cart,
      { kind: 'set', productId: 'a', quantity: 1 + (i % 9) },
      { ...facts, key: `key-${i}`, product },
    )!;
    ({ cart } = step);
    const { keys, version } = cart;
    expect(Object.keys(keys).length).toBeLessThanOrEqual(MAX_KEYS);
    for (let back = 0; back < Math.min(8, i + 1); back++) expect(keys[`key-${i - back}`]).toBe(version - back);
  }
});

it('emptying a cart takes all lines out, and an empty one is left alone', () => {
  fc.assert(
    fc.property(arbitraryCart, (before) => {
      const step = emptyCart(before, facts);
      if (visibleLines(before).length === 0) expect(step).toBeUndefined();
      else expect(step!.cart).toMatchObject({ lines: [], status: 'emptied', version: before.version + 1 });
    }),
  );
});

it('closing counts an open cart once, an order after a reminder as recovered, and any other cart not at all', () => {
  fc.assert(
    fc.property(arbitraryCart, fc.constantFrom('ordered', 'emptied', 'merged', 'abandoned'), (before, how) => {
      const { cart, counts } = closed(before, how);
      const recovered = how === 'ordered' && before.reminded !== undefined;
      expect(counts).toEqual(
        before.status === 'open' ? { closed: 1, [how]: 1, ...(recovered && { recovered: 1 }) } : {},
      );
      expect(cart).toEqual({
        ...before,
        version: before.version + 1,
        status: how,
        lines: how === 'abandoned' ? before.lines : [],
      });
    }),
  );
});

describe('merging a guest’s cart', () => {
  const rules = {
    sum: (own: number, guests: number) => own + guests,
    max: (own: number, guests: number) => Math.max(own, guests),
    keep: (own: number) => own,
  };

  it.each(mergePolicies)(
    '%s: each quantity follows the policy up to the limit, and the report says what was cut',
    (policy) => {
      fc.assert(
        fc.property(fc.option(arbitraryCart, { nil: undefined }), arbitraryQuantities, (user, guests) => {
          const guest = cartOf(guests, { userId: 'guest-1' });
          const own = quantitiesOf(visibleLines(user));
          const wanted = Object.fromEntries(
            Object.entries(guests).map(([id, quantity]) => [
              id,
              own[id] === undefined ? quantity : rules[policy](own[id], quantity),
            ]),
          );
          const merged = { ...own, ...wanted };
          if (Object.keys(merged).length === 0) return;
          const { step, report, guest: after } = mergeCarts(user, guest, policy, facts);
          expect(quantitiesOf(step.cart.lines)).toEqual(
            Object.fromEntries(Object.entries(merged).map(([id, quantity]) => [id, Math.min(quantity, MAX_QUANTITY)])),
          );
          const both = Object.keys(guests).filter((id) => id in own);
          expect([report.added, report.combined]).toEqual([Object.keys(guests).length - both.length, both.length]);
          expect(quantitiesOf(report.clamped.map((one) => line(one.productId, one.wanted)))).toEqual(
            Object.fromEntries(Object.entries(wanted).filter(([, quantity]) => quantity > MAX_QUANTITY)),
          );
          expect(after).toMatchObject({ status: 'merged', lines: [], merged: { into: 'ada', report } });
          expect(step.counts.merged).toBe(1);
        }),
      );
    },
  );

  it('that would have too many lines merges nothing', () => {
    const many = (prefix: string) =>
      cartOf(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`${prefix}${i}`, 1])));
    expect(() => mergeCarts(many('a'), many('b'), 'sum', facts)).toThrow(/have 202 lines.*remove 2 first/);
  });
});

describe('after an order', () => {
  it('what was put in meanwhile stays in the next cart, and nothing that was bought', () => {
    fc.assert(
      fc.property(arbitraryQuantities, arbitraryQuantities, fc.boolean(), (quantities, bought, reminded) => {
        const cart = cartOf(quantities, reminded ? { reminded: { rung: 2, at: 15 } } : {});
        const step = afterOrder(
          cart,
          cart.number,
          Object.entries(bought).map(([productId, quantity]) => ({ productId, quantity })),
          facts.now,
        )!;
        const left = Object.fromEntries(
          Object.entries(quantities)
            .map(([id, quantity]): [string, number] => [id, quantity - (bought[id] ?? 0)])
            .filter(([, quantity]) => quantity > 0),
        );
        expect(quantitiesOf(step.cart.lines)).toEqual(left);
        const isOver = Object.keys(left).length === 0;
        expect([step.opens, step.cart.number, step.cart.status]).toEqual(
          isOver ? [false, cart.number, 'ordered'] : [true, cart.number + 1, 'open'],
        );
        expect(step.cart.version).toBe(cart.version + 1);
        expect(step.counts).toEqual({
          closed: 1,
          ordered: 1,
          ...(reminded && { recovered: 1 }),
          ...(!isOver && { opened: 1 }),
        });
      }),
    );
  });

  it.each([
    ['another cart is open', cartOf({ a: 1 }, { number: 4 })],
    ['the cart has ended otherwise', cartOf({ a: 1 }, { status: 'abandoned' })],
    ['there is no cart', undefined],
  ])('%s: it is left alone', (_, cart) => {
    expect(afterOrder(cart, 3, [{ productId: 'a', quantity: 1 }], facts.now)).toBeUndefined();
  });
});

it('a cart that has another version than the caller read is refused; a missing cart has version 0', () => {
  expect(() => mustBeVersion({ version: 7 }, 7, 'change it')).not.toThrow();
  expect(() => mustBeVersion({ version: 7 }, undefined, 'change it')).not.toThrow();
  expect(() => mustBeVersion(undefined, 0, 'change it')).not.toThrow();
  expect(() => mustBeVersion({ version: 7 }, 6, 'check it out')).toThrow(
    expect.objectContaining({
      type: 'versionMismatch',
      message: 'The cart has version 7, not 6; read it again, then check it out',
    }),
  );
  expect(() => mustBeVersion(undefined, 1, 'change it')).toThrow(
    'The cart has version 0, not 1; read it again, then change it',
  );
});
