import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Db } from '../../src/stores/dynamodb';
import { transact } from '../../src/stores/transact';

const item = (id: string) => ({ Put: { TableName: 'Any', Item: { ID: id } } });
const ids = (command: TransactWriteCommand) => command.input.TransactItems?.map(({ Put }) => Put?.Item?.['ID']);

/** A table that cancels every transaction for the given reasons, one an item. */
function cancelling(reasons: TransactionCanceledException['CancellationReasons']) {
  const sent: unknown[] = [];
  const send = (command: TransactWriteCommand) => {
    sent.push(ids(command));
    const error = { message: 'cancelled', $metadata: {}, ...(reasons && { CancellationReasons: reasons }) };
    return Promise.reject(new TransactionCanceledException(error));
  };
  return { db: { client: { send } } as unknown as Db, sent };
}

const parts = {
  checkout: item('checkout'),
  none: undefined,
  lines: [item('a'), item('b'), item('c')],
  empty: [],
  start: item('start'),
};
const [none, lost, busy] = ['None', 'ConditionalCheckFailed', 'TransactionConflict'].map((Code) => ({ Code }));

test('every item of every part is sent, and a part without items is none', async () => {
  const { db, sent } = cancelling([]);
  await transact(db, parts);
  expect(sent).toEqual([['checkout', 'a', 'b', 'c', 'start']]);
});

test.each([
  ['the first part', [lost!, none!, none!, none!, none!], { checkout: [0] }, []],
  ['some items of a list', [none!, lost!, none!, lost!, none!], { lines: [0, 2] }, []],
  ['the part behind a list', [none!, none!, none!, none!, lost!], { start: [0] }, []],
  ['contention alone', [none!, busy!, none!, none!, { Code: 'ThrottlingError' }], {}, ['lines', 'start']],
  ['both at once', [busy!, none!, lost!, busy!, none!], { lines: [1] }, ['checkout', 'lines']],
  ['a refused item beside a race', [none!, { Code: 'ValidationError' }, lost!, none!, none!], { lines: [1] }, []],
])('names the parts of a cancelled transaction: %s', async (_, reasons, conditions, contention) => {
  const cancelled = await transact(cancelling(reasons).db, parts);
  const indexes = [...cancelled!.lost].map(([name, items]) => [name, items.map(({ index }) => index)]);
  expect(Object.fromEntries(indexes)).toEqual(conditions);
  expect([...cancelled!.busy]).toEqual(contention);
  expect(cancelled!.cause).toBeInstanceOf(TransactionCanceledException);
});

test('hands on the item that stood against a condition', async () => {
  const reasons = [none!, { ...lost!, Item: { ID: { S: 'a' }, Stock: { N: '3' } } }, none!, none!, none!];
  const cancelled = await transact(cancelling(reasons).db, parts);
  expect(cancelled!.lost.get('lines')).toEqual([{ index: 0, stored: { ID: 'a', Stock: 3 } }]);
});

test('a failure that no race caused passes through', async () => {
  const send = () => Promise.reject(new RangeError('no race'));
  await expect(transact({ client: { send } } as unknown as Db, parts)).rejects.toThrow('no race');
});
