import * as fc from 'fast-check';
import { cartOf, cartWorkflowId, checkoutOf, checkoutWorkflowId } from '../../src/domain/carts/workflows';
import { erasureOf, eraseWorkflowId } from '../../src/domain/devices/workflows';
import { modeChangeId, modeChangeOfWorkflow } from '../../src/domain/feeds/workflows';
import { investigationId, transactionOf } from '../../src/domain/fraud/workflows';
import { ID_PATTERN } from '../../src/domain/ids';
import { seasonId, seasonOf } from '../../src/domain/leaderboards/workflows';
import { subjectsOf } from '../../src/domain/platform/workflowSubjects';

const arbitraryId = fc.stringMatching(/^[A-Za-z0-9_.:@-]{1,64}$/).filter((id) => ID_PATTERN.test(id));
const arbitraryNumber = fc.nat(Number.MAX_SAFE_INTEGER);

/** Makes a workflow id of an entity, and reads the entity back. */
const roundTrips: Record<
  string,
  { make(id: string, n: number): string; read(text: string): unknown; entity(id: string, n: number): unknown }
> = {
  cart: {
    make: cartWorkflowId,
    read: cartOf,
    entity: (userId, cartNumber) => ({ userId, cartNumber }),
  },
  checkout: { make: checkoutWorkflowId, read: checkoutOf, entity: (checkoutId) => checkoutId },
  erasure: { make: eraseWorkflowId, read: erasureOf, entity: (deviceId, requestedAt) => ({ deviceId, requestedAt }) },
  turn: {
    make: (authorId, modeVersion) => modeChangeId({ authorId, modeVersion, direction: 'rising' }),
    read: modeChangeOfWorkflow,
    entity: (authorId, modeVersion) => ({ authorId, modeVersion }),
  },
  season: { make: seasonId, read: seasonOf, entity: (gameId, season) => ({ gameId, season }) },
  investigation: { make: investigationId, read: transactionOf, entity: (transactionId) => transactionId },
};
const names = Object.keys(roundTrips);

it.each(names)('the id of a %s tells what it is of, for every id that a caller may choose', (name) => {
  const { make, read, entity } = roundTrips[name]!;
  fc.assert(
    fc.property(arbitraryId, arbitraryNumber, (id, n) => {
      expect(read(make(id, n))).toEqual(entity(id, n));
    }),
  );
});

it.each(names)('what is no id of a %s is not taken for one', (name) => {
  const { read, make } = roundTrips[name]!;
  for (const [other, { make: makeOther }] of Object.entries(roundTrips))
    if (other !== name) expect(read(makeOther('ada', 7))).toBeUndefined();
  expect(read('')).toBeUndefined();
  expect(read(`old-${make('ada', 7)}`)).toBeUndefined();
});

it('log lines name the parts of a workflow’s id that its capability names', () => {
  const ids = { cart: ['userId', 'cartNumber'], investigation: ['transactionId'] };
  expect(subjectsOf(ids, 'cart/ada/7')).toEqual({ userId: 'ada', cartNumber: '7' });
  expect(subjectsOf(ids, 'cart/ada')).toEqual({ userId: 'ada' });
  for (const other of ['relay', 'constructor/a', '__proto__/a', '']) expect(subjectsOf(ids, other)).toEqual({});
});
