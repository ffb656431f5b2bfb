import { ServiceError, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { LongwatchError } from '../../../../src/domain/errors';
import { rescoreEntry } from '../../../../src/domain/fraud/rescoreEntry';
import { signalEntry, startEntry } from '../../../../src/domain/platform/outbox';
import { rescoreKind } from '../../../../src/operations/fraud/rescores';
import { EntryRedriver, OUTBOX_LETTERS } from '../../../../src/operations/platform/outbox/entryRedriver';
import { Outbox } from '../../../../src/operations/platform/outbox/outbox';
import { Relay } from '../../../../src/operations/platform/outbox/relay';
import { workflowSignals } from '../../../../src/operations/platform/outbox/workflowSignals';
import { workflowStarts } from '../../../../src/operations/platform/outbox/workflowStarts';
import { type DeadLetter, DeadLetterStore } from '../../../../src/stores/platform/deadLetters';
import { OutboxStore } from '../../../../src/stores/platform/outbox';
import { transact } from '../../../../src/stores/transact';
import { startTestDynamoDB, type TestDynamoDB } from '../../../support/dynamodb';
import { dueEntries } from '../../../support/outbox';
import { whileRefusing } from '../../../support/refusals';

// One entry of the outbox that will never be taken stops no other: it becomes a dead letter.

let dynamodb: TestDynamoDB;
let store: OutboxStore;
let letters: DeadLetterStore;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  store = new OutboxStore(dynamodb.db);
  letters = new DeadLetterStore(dynamodb.db);
});
afterAll(() => dynamodb?.stop());

const start = (workflowId: string) =>
  startEntry({ workflowId, workflowType: 't', taskQueue: 'q', args: [], summary: '', searchAttributes: {} }, 1);
const grpc = (code: number, details: string) =>
  new ServiceError('Failed to start Workflow', {
    cause: Object.assign(new Error(details), { code, details, metadata: {} }),
  });

function relaying({
  refuses,
  rescoreRefuses,
}: {
  refuses(id: string): Error | undefined;
  rescoreRefuses?(ids: readonly string[]): boolean;
}) {
  const started: string[] = [];
  const signalled: string[] = [];
  const rescored: string[] = [];
  const faults: unknown[] = [];
  const take = (id: string, taken: string[]) => {
    const error = refuses(id);
    if (error) return Promise.reject(error);
    taken.push(id);
    return Promise.resolve();
  };
  const workflow = {
    start: (_: string, { workflowId }: { workflowId: string }) => take(workflowId, started),
    getHandle: (workflowId: string) => ({ signal: (name: string) => take(`${workflowId} ${name}`, signalled) }),
  };
  const temporal = { client: { workflow }, within: <T>(call: () => Promise<T>) => call() } as never;
  const cases = {
    rescore: (ids: readonly string[]) => {
      if (rescoreRefuses?.(ids)) return Promise.reject(new LongwatchError('refused', 'DynamoDB cannot store it'));
      rescored.push(...ids);
      return Promise.resolve();
    },
  };
  const kinds = [workflowStarts(temporal), workflowSignals(temporal), rescoreKind(cases)];
  const outbox = new Outbox(store, kinds);
  const relay = new Relay({
    store,
    outbox,
    kinds,
    keepLetters: (some: readonly DeadLetter[]) => letters.keep(some),
    onFault: (error) => faults.push(error),
    everyMs: 1,
  });
  return {
    outbox,
    started,
    signalled,
    rescored,
    faults,
    run: () => relay.run({ signal: new AbortController().signal, forMs: 300, heartbeat: () => undefined }),
  };
}
const left = async () =>
  (await Promise.all(['start', 'signal', 'rescore'].map((kind) => dueEntries(dynamodb.db, kind)))).flat().length;
const lettersOf = async () => (await letters.list(OUTBOX_LETTERS, { limit: 100 })).items;

test.each([
  ['an argument that Temporal does not allow', grpc(3, 'BadRequest: Blob data size exceeds limit')],
  ['a start that is too large', grpc(8, 'grpc: received message larger than max')],
])('%s becomes a dead letter; the others start; it can be re-driven', async (_, error) => {
  const ids = Array.from({ length: 40 }, (__, i) => `w-${error.cause}-${i}`.replaceAll(/[^\w-]/g, ''));
  for (const id of ids) await transact(dynamodb.db, { entries: [store.recording(start(id))] });
  const bad = ids[7]!;
  const { run, started } = relaying({ refuses: (id) => (id === bad ? error : undefined) });
  await run();
  expect(started.sort()).toEqual(ids.filter((id) => id !== bad).sort());
  expect(await left()).toBe(0);
  const [letter] = await lettersOf();
  expect(letter).toMatchObject({
    shardId: 'start',
    reason: expect.stringContaining(`Temporal did not accept the start of ${bad}`),
  });
  const again = relaying({ refuses: () => undefined });
  expect(await new EntryRedriver({ outbox: again.outbox, letters }).redrive([letter!])).toEqual([undefined]);
  expect(again.started).toEqual([bad]);
  expect(await lettersOf()).toEqual([]);
});

test('a Temporal that is away leaves every entry in the outbox, and an unknown search attribute passes', async () => {
  await transact(dynamodb.db, {
    entries: [store.recording(start('patient')), store.recording(start('attribute')), store.recording(start('there'))],
  });
  const { run, started, faults } = relaying({
    refuses: (id) =>
      id === 'patient'
        ? grpc(14, 'unavailable')
        : id === 'attribute'
          ? grpc(3, 'search attribute LongwatchStatus is not defined')
          : new WorkflowExecutionAlreadyStartedError('there', id, 't'),
  });
  await run();
  expect([started, await lettersOf(), await left()]).toEqual([[], [], 2]);
  expect(faults.length).toBeGreaterThan(0);
  await relaying({ refuses: () => undefined }).run();
  expect(await left()).toBe(0);
});

test('a transaction whose re-score is refused becomes a dead letter; the others are scored', async () => {
  const ids = Array.from({ length: 30 }, (_, i) => `tx-${i}`);
  for (const transactionId of ids)
    await transact(dynamodb.db, { entries: [store.recording(rescoreEntry(transactionId, 1))] });
  const { run, rescored } = relaying({ refuses: () => undefined, rescoreRefuses: (some) => some.includes('tx-11') });
  await run();
  expect([...new Set(rescored)].sort()).toEqual(ids.filter((id) => id !== 'tx-11').sort());
  expect(await lettersOf()).toMatchObject([{ shardId: 'rescore', reason: 'DynamoDB cannot store it' }]);
  expect(await left()).toBe(0);
});

test.each(['Query', 'Delete', 'BatchWrite'])(
  'a refused %s of the outbox stops neither the relay nor the other starts',
  async (operation) => {
    const ids = [`${operation}-1`, `${operation}-2`];
    for (const id of ids) await transact(dynamodb.db, { entries: [store.recording(start(id))] });
    let refused = 0;
    const { run, started, faults } = relaying({ refuses: () => undefined });
    await whileRefusing((call) => call.operation === operation && refused++ === 0, run);
    await run();
    expect([...new Set(started)].sort()).toEqual(ids);
    expect(faults.length).toBe(Math.min(refused, 1));
    expect(await left()).toBe(0);
  },
);

test('a signal is sent once it is due; a workflow that does not run needs none', async () => {
  const moved = (workflowId: string) => signalEntry({ workflowId, signal: 'moved', args: [] }, `${workflowId}/2`, 1);
  await transact(dynamodb.db, {
    entries: [store.recording(moved('season/g/1')), store.recording(moved('season/g/2'))],
  });
  const over = new WorkflowNotFoundError('workflow execution already completed', 'season/g/2', undefined);
  const { run, signalled } = relaying({ refuses: (id) => (id.startsWith('season/g/2') ? over : undefined) });
  expect((await run()).dispatched).toEqual({ start: 0, signal: 2, rescore: 0 });
  expect(signalled).toEqual(['season/g/1 moved']);
  expect(await left()).toBe(0);
});

test('a dead letter that the last release kept can be re-driven', async () => {
  const { payload } = start('of-the-last-release');
  const record = Buffer.from(JSON.stringify({ kind: 'start', start: payload, dueAt: 1 }));
  const letter: DeadLetter = {
    source: OUTBOX_LETTERS,
    shardId: 'start',
    position: 'p',
    reason: 'r',
    record,
    arrivedAt: 1,
    at: 2,
  };
  await letters.keep([letter]);
  const { outbox, started } = relaying({ refuses: () => undefined });
  expect(await new EntryRedriver({ outbox, letters }).redrive([letter])).toEqual([undefined]);
  expect(started).toEqual(['of-the-last-release']);
  expect((await lettersOf()).filter(({ position }) => position === 'p')).toEqual([]);
});
