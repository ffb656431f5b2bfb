import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { LongwatchError } from '../../../src/domain/errors';
import type { OnSkipped } from '../../../src/operations/platform/isolate';
import { SilenceWatch } from '../../../src/operations/devices/silenceWatch';
import type { Db } from '../../../src/stores/dynamodb';
import { FakeClock } from '../../support/clock';
import type { Deadline, LiveStore } from '../../../src/stores/devices/live';

const NOW = 1_000_000;
const deadlines = Array.from({ length: 40 }, (_, i): Deadline => ({ deviceId: `device-${i}`, dueAt: NOW - 1 }));

/** Deadlines that nobody waits for any more: each is struck off by one write, whose fate a test decides. */
function watchOf(write: (call: number, deviceId: string) => Promise<unknown>, onSkipped: OnSkipped = () => undefined) {
  let calls = 0;
  const live = {
    due: (bucket: number) => Promise.resolve(bucket === 0 ? deadlines : []),
    read: () => Promise.resolve(new Map()),
    strikeOff: ({ deviceId }: Deadline) => ({ Delete: { TableName: 'DeviceDeadlines', Key: { deviceId } } }),
  };
  const deviceOf = (command: { input: { TransactItems: { Delete: { Key: { deviceId: string } } }[] } }) =>
    command.input.TransactItems[0]!.Delete.Key.deviceId;
  const db = {
    client: { send: (command: Parameters<typeof deviceOf>[0]) => write(++calls, deviceOf(command)) },
    table: (name: string) => name,
  };
  const watch = new SilenceWatch({
    db: db as unknown as Db,
    live: live as unknown as LiveStore,
    rules: { of: () => Promise.resolve(new Map()) },
    alerts: undefined as never,
    onSkipped,
    clock: new FakeClock(NOW),
  });
  return { watch, calls: () => calls };
}

it('a deadline that another writer holds is left to the next look, and fails nothing', async () => {
  const conflict = () =>
    new TransactionCanceledException({
      $metadata: {},
      message: 'conflict',
      CancellationReasons: [{ Code: 'TransactionConflict' }],
    });
  const { watch, calls } = watchOf((call) => (call === 3 ? Promise.reject(conflict()) : Promise.resolve({})));
  expect(await watch.processDue()).toEqual({ settled: 40, raised: 0 });
  expect(calls()).toBe(40);
});

it('after a failure nothing more is begun, and what has begun is over when it is told', async () => {
  let open = 0;
  const { watch, calls } = watchOf(async (call) => {
    open++;
    await new Promise((resolve) => setTimeout(resolve, call === 1 ? 5 : 30));
    open--;
    if (call === 1) throw new Error('a fault of ours');
  });
  await expect(watch.processDue()).rejects.toThrow('a fault of ours');
  expect(open).toBe(0);
  expect(calls()).toBe(8);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(calls()).toBe(8);
});

const refused = (isOurFault = false) =>
  new LongwatchError('refused', 'DynamoDB cannot store it', { ...(isOurFault && { isOurFault }) });

it('a device whose deadline is refused for good is skipped and told once; all others are settled', async () => {
  const skipped: string[] = [];
  const { watch, calls } = watchOf(
    (_, deviceId) => (deviceId === 'device-7' ? Promise.reject(refused()) : Promise.resolve({})),
    (entity) => skipped.push(entity),
  );
  expect(await watch.processDue()).toEqual({ settled: 40, raised: 0 });
  expect(calls()).toBe(40);
  expect(skipped).toEqual(['the deadline of device device-7']);
  // This process asks for it no more, so that a page of such deadlines hides none behind it.
  expect(await watch.processDue()).toEqual({ settled: 39, raised: 0 });
  expect(skipped).toHaveLength(1);
});

it('where the grant is missing, no device is skipped: the look fails, the next one finds all deadlines', async () => {
  const skipped: string[] = [];
  let isDenied = true;
  const { watch } = watchOf(
    () => (isDenied ? Promise.reject(refused(true)) : Promise.resolve({})),
    (entity) => skipped.push(entity),
  );
  await expect(watch.processDue()).rejects.toMatchObject({ type: 'refused' });
  isDenied = false;
  expect(await watch.processDue()).toEqual({ settled: 40, raised: 0 });
  expect(skipped).toEqual([]);
});
