import { ServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { Relay } from '../../../../src/operations/platform/outbox/relay';
import { LongwatchError } from '../../../../src/domain/errors';
import type { Debt } from '../../../../src/domain/platform/outbox';
import { DEBT_LETTERS, DebtRedriver } from '../../../../src/operations/platform/outbox/deadEntries';
import { Starts } from '../../../../src/operations/platform/outbox/starts';
import { type DeadLetter, DeadLetterStore } from '../../../../src/stores/platform/deadLetters';
import { Ledger } from '../../../../src/stores/platform/outbox';
import { transact } from '../../../../src/stores/transact';
import { startTestDynamoDB, type TestDynamoDB } from '../../../support/dynamodb';
import { whileRefusing } from '../../../support/refusals';

// One entry of the ledger that will never be taken stops no other: it becomes a dead letter.

let dynamodb: TestDynamoDB;
let ledger: Ledger;
let letters: DeadLetterStore;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  ledger = new Ledger(dynamodb.db);
  letters = new DeadLetterStore(dynamodb.db);
});
afterAll(() => dynamodb?.stop());

const owed = (workflowId: string): Extract<Debt, { kind: 'start' }> => ({ kind: 'start', start: { workflowId, workflowType: 't', taskQueue: 'q', args: [], summary: '', searchAttributes: {} }, dueAt: 1 });
const grpc = (code: number, details: string) => new ServiceError('Failed to start Workflow', { cause: Object.assign(new Error(details), { code, details, metadata: {} }) });

function paying({ refuses, rescoreRefuses }: { refuses(id: string): Error | undefined; rescoreRefuses?(ids: readonly string[]): boolean }) {
  const started: string[] = [];
  const rescored: string[] = [];
  const faults: unknown[] = [];
  const start = (_: string, { workflowId }: { workflowId: string }) => {
    const error = refuses(workflowId);
    if (error) return Promise.reject(error);
    started.push(workflowId);
    return Promise.resolve();
  };
  const temporal = { client: { workflow: { start } }, within: <T>(call: () => Promise<T>) => call() };
  const starts = new Starts({ temporal: temporal as never, ledger });
  const cases = {
    rescoreBatch: (ids: readonly string[]) => {
      if (rescoreRefuses?.(ids)) return Promise.reject(new LongwatchError('refused', 'DynamoDB cannot store it'));
      rescored.push(...ids);
      return Promise.resolve();
    },
  };
  const relay = new Relay({ ledger, starts, cases, keepLetters: (some: readonly DeadLetter[]) => letters.keep(some), onFault: (error) => faults.push(error), everyMs: 1 });
  return { starts, cases, started, rescored, faults, pay: () => relay.pay({ signal: new AbortController().signal, forMs: 300, heartbeat: () => undefined }) };
}
const left = async () => (await Promise.all(Array.from({ length: 16 }, (_, shard) => Promise.all([ledger.due('start', shard, Date.now(), 100), ledger.due('rescore', shard, Date.now(), 100)])))).flat(2).length;
const lettersOf = async () => (await letters.list(DEBT_LETTERS, { limit: 100 })).items;

test.each([
  ['an argument that Temporal does not allow', grpc(3, 'BadRequest: Blob data size exceeds limit')],
  ['a start that is too large', grpc(8, 'grpc: received message larger than max')],
])('%s becomes a dead letter; the others start; it can be re-driven', async (_, error) => {
  const ids = Array.from({ length: 40 }, (__, i) => `w-${error.cause}-${i}`.replaceAll(/[^\w-]/g, ''));
  for (const id of ids) await transact(dynamodb.db, [ledger.oweStart(owed(id).start, 1)]);
  const bad = ids[7]!;
  const { pay, started } = paying({ refuses: (id) => (id === bad ? error : undefined) });
  await pay();
  expect(started.sort()).toEqual(ids.filter((id) => id !== bad).sort());
  expect(await left()).toBe(0);
  const [letter] = await lettersOf();
  expect(letter).toMatchObject({ shardId: 'start', reason: expect.stringContaining(`Temporal did not take the start of ${bad}`) });
  const again = paying({ refuses: () => undefined });
  expect(await new DebtRedriver({ starts: again.starts, cases: again.cases, letters }).redrive([letter!])).toEqual([undefined]);
  expect(again.started).toEqual([bad]);
  expect(await lettersOf()).toEqual([]);
});

test('a Temporal that is away leaves everything owed, and an unknown search attribute passes', async () => {
  await transact(dynamodb.db, [ledger.oweStart(owed('patient').start, 1), ledger.oweStart(owed('attribute').start, 1), ledger.oweStart(owed('there').start, 1)]);
  const { pay, started, faults } = paying({
    refuses: (id) => (id === 'patient' ? grpc(14, 'unavailable') : id === 'attribute' ? grpc(3, 'search attribute LongwatchStatus is not defined') : new WorkflowExecutionAlreadyStartedError('there', id, 't')),
  });
  await pay();
  expect([started, await lettersOf(), await left()]).toEqual([[], [], 2]);
  expect(faults.length).toBeGreaterThan(0);
  await paying({ refuses: () => undefined }).pay();
  expect(await left()).toBe(0);
});

test('a transaction whose re-score is refused becomes a dead letter; the others are scored', async () => {
  const ids = Array.from({ length: 30 }, (_, i) => `tx-${i}`);
  for (const transactionId of ids) await transact(dynamodb.db, [ledger.oweRescore({ transactionId }, 1)]);
  const { pay, rescored } = paying({ refuses: () => undefined, rescoreRefuses: (some) => some.includes('tx-11') });
  await pay();
  expect([...new Set(rescored)].sort()).toEqual(ids.filter((id) => id !== 'tx-11').sort());
  expect(await lettersOf()).toMatchObject([{ shardId: 'rescore', reason: 'DynamoDB cannot store it' }]);
  expect(await left()).toBe(0);
});

test.each(['Query', 'Delete', 'BatchWrite'])('a refused %s of the ledger stops neither the relay nor the other starts', async (operation) => {
  const ids = [`${operation}-1`, `${operation}-2`];
  for (const id of ids) await transact(dynamodb.db, [ledger.oweStart(owed(id).start, 1)]);
  let refused = 0;
  const { pay, started, faults } = paying({ refuses: () => undefined });
  await whileRefusing((call) => call.operation === operation && refused++ === 0, pay);
  await pay();
  expect([...new Set(started)].sort()).toEqual(ids);
  expect(faults.length).toBe(Math.min(refused, 1));
  expect(await left()).toBe(0);
});
