import { cartTables } from '../../src/stores/carts/tables';
import type { Db } from '../../src/stores/dynamodb';
import { itemType, MalformedItem, number } from '../../src/stores/items';
import type { Item, TableQuery } from '../../src/stores/query';
import { queryAll, queryOnce, queryPage } from '../../src/stores/query';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';

let dynamodb: TestDynamoDB;
const user = 'user-1';
const list = { name: 'orders', of: { user } };
const orders: TableQuery = { table: 'Orders', where: 'UserID = :user', values: { ':user': user }, consistent: true };
const idOf = (item: Item) => item['TimeOrderID'] as string;
const ids = Array.from({ length: 7 }, (_, i) => `order-${i}`);

beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  const requests = ids.map((TimeOrderID) => ({ PutRequest: { Item: { UserID: user, TimeOrderID } } }));
  await dynamodb.db.client.send(new BatchWriteCommand({ RequestItems: { [dynamodb.db.table('Orders')]: requests } }));
});
afterAll(() => dynamodb?.stop());

test.each([
  [{}, ids],
  [{ descending: true }, ids.toReversed()],
])('pages of a list follow each other until its end (%j)', async (order, expected) => {
  const found: string[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await queryPage(dynamodb.db, list, { ...orders, ...order }, { cursor, limit: 3 }, idOf);
    found.push(...page.items);
    sizes.push(page.items.length);
    ({ cursor } = page);
  } while (cursor !== undefined);
  expect([found, sizes]).toEqual([expected, [3, 3, 1]]);
});

test('a cursor is refused by another list', async () => {
  const { cursor } = await queryPage(dynamodb.db, list, orders, { limit: 3 }, idOf);
  const other = { name: 'orders', of: { user: 'user-2' } };
  await expect(queryPage(dynamodb.db, other, orders, { cursor }, idOf)).rejects.toMatchObject({ type: 'invalid' });
});

test('everything comes in as many calls as it takes, and no call is made that nobody asks for', async () => {
  const calls = dynamodb.calls.length;
  const found: string[][] = [];
  for await (const items of queryAll(dynamodb.db, { ...orders, limit: 3 })) found.push(items.map(idOf));
  expect(found).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
  for await (const items of queryAll(dynamodb.db, { ...orders, limit: 3 })) if (items.length > 0) break;
  expect(dynamodb.calls.length - calls).toBe(4);
});

test('a table without a key condition is scanned; filters, aliases and projections apply', async () => {
  const scan = { table: 'Orders', filter: '#id > :id', names: { '#id': 'TimeOrderID' }, values: { ':id': ids[4] } };
  expect(await queryOnce(dynamodb.db, { ...scan, projection: '#id' })).toEqual([
    { TimeOrderID: ids[5] },
    { TimeOrderID: ids[6] },
  ]);
});

test("a list's position has the keys of its table and of its index", () => {
  const { keys } = dynamodb.db;
  expect(keys('Orders')).toEqual(['UserID', 'TimeOrderID']);
  expect(keys('Checkouts', 'ByRefund')).toEqual(['CheckoutID', 'Entry', 'RefundStatus', 'RecordedAtID']);
  expect(() => keys('Checkouts', 'ByNothing')).toThrow('The table Checkouts has no index ByNothing');
});

test('a list skips a malformed item and reports it; without a reporter the list fails', async () => {
  const malformed = { UserID: 'user-2', TimeOrderID: 'order-1' };
  const requests = [malformed, { ...malformed, TimeOrderID: 'order-2', Total: 5 }].map((Item) => ({
    PutRequest: { Item },
  }));
  await dynamodb.db.client.send(new BatchWriteCommand({ RequestItems: { [dynamodb.db.table('Orders')]: requests } }));
  const totals = itemType(cartTables, 'Orders', { total: number('Total') });
  const reported: string[] = [];
  const read = (db: Db) => queryPage(db, list, { ...orders, values: { ':user': 'user-2' } }, {}, totals.read);
  const { items } = await read({ ...dynamodb.db, onMalformed: ({ message }) => void reported.push(message) });
  expect(items).toEqual([{ total: 5 }]);
  expect(reported).toEqual([expect.stringContaining('UserID "user-2", TimeOrderID "order-1" has no Total')]);
  await expect(read(dynamodb.db)).rejects.toThrow(MalformedItem);
});
