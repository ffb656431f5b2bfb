import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { CARRIER_HEADER } from '../../src/domain/platform/carrier';
import { workflowBundle } from '../support/bundle';
import { HISTORIES } from '../support/histories';
import { exportedWorkflows } from '../support/workflows';

let bundle: { codePath: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

const recorded = readdirSync(HISTORIES).flatMap((type) =>
  readdirSync(join(HISTORIES, type)).map((file) => ({ type, file, path: join(HISTORIES, type, file) })),
);
const read = (path: string) => historyFromJSON(JSON.parse(readFileSync(path, 'utf8')));

it.each(recorded)('today’s code goes on from $type/$file', async ({ path, type }) => {
  await expect(
    Worker.runReplayHistory({ workflowBundle: bundle }, read(path), `replay-of-${type}`),
  ).resolves.toBeUndefined();
});

const TRACED = '{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","requestId":"r-1"}';

it.each(recorded)(
  '$type/$file goes on the same where its start was traced, and where the header is nonsense',
  async ({ path, type }) => {
    // Nonsense with one history of each type: what reads the header is the same for all.
    const isFirst = recorded.find((one) => one.type === type)?.path === path;
    for (const carrier of [TRACED, ...(isFirst ? ['no JSON', '{"traceparent":7}'] : [])]) {
      const history = read(path);
      const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(carrier) };
      history.events![0]!.workflowExecutionStartedEventAttributes!.header = { fields: { [CARRIER_HEADER]: payload } };
      await expect(
        Worker.runReplayHistory({ workflowBundle: bundle }, history, `replay-of-${type}`),
      ).resolves.toBeUndefined();
    }
  },
);

/** A checkout that waits, is asked to end, and does so, as it did under code that let a cancellation end it. */
function cancelledEarlier(events: object[]): object[] {
  const taskQueue = { name: 'longwatch-carts', kind: 'TASK_QUEUE_KIND_NORMAL' };
  const more = [
    [
      'WORKFLOW_EXECUTION_CANCEL_REQUESTED',
      { workflowExecutionCancelRequestedEventAttributes: { cause: 'by a person' } },
    ],
    [
      'WORKFLOW_TASK_SCHEDULED',
      { workflowTaskScheduledEventAttributes: { taskQueue, startToCloseTimeout: '10s', attempt: 1 } },
    ],
    ['WORKFLOW_TASK_STARTED', { workflowTaskStartedEventAttributes: { scheduledEventId: '7' } }],
    [
      'WORKFLOW_TASK_COMPLETED',
      { workflowTaskCompletedEventAttributes: { scheduledEventId: '7', startedEventId: '8' } },
    ],
    [
      'TIMER_CANCELED',
      { timerCanceledEventAttributes: { timerId: '1', startedEventId: '5', workflowTaskCompletedEventId: '9' } },
    ],
    [
      'WORKFLOW_EXECUTION_CANCELED',
      { workflowExecutionCanceledEventAttributes: { workflowTaskCompletedEventId: '9' } },
    ],
  ] as const;
  const { eventTime } = events[4] as { eventTime: string };
  return [
    ...events.slice(0, 5),
    ...more.map(([type, attributes], i) => ({
      eventId: String(i + 6),
      eventTime,
      eventType: `EVENT_TYPE_${type}`,
      ...attributes,
    })),
  ];
}

it('a workflow that was cancelled before cancellation was kept from lifecycles replays as it was', async () => {
  const { events } = JSON.parse(readFileSync(join(HISTORIES, 'checkout', 'expired.json'), 'utf8')) as {
    events: object[];
  };
  const ended = cancelledEarlier(events);
  await expect(
    Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON({ events: ended }), 'replay-of-cancelled'),
  ).resolves.toBeUndefined();
  // Another command in the place of that ending is found out.
  const other = {
    eventId: '10',
    eventTime: (ended[4] as { eventTime: string }).eventTime,
    eventType: 'EVENT_TYPE_TIMER_STARTED',
    timerStartedEventAttributes: { timerId: '2', startToFireTimeout: '1s', workflowTaskCompletedEventId: '9' },
  };
  await expect(
    Worker.runReplayHistory(
      { workflowBundle: bundle },
      historyFromJSON({ events: [...ended.slice(0, 9), other] }),
      'replay-of-another',
    ),
  ).rejects.toThrow('Replay failed');
});

it('every workflow type has a recording', () => {
  for (const type of exportedWorkflows()) expect(existsSync(join(HISTORIES, type))).toBe(true);
});

it('a workflow that does something else is found out', async () => {
  const history = read(join(HISTORIES, 'investigation', 'alert-confirmed.json'));
  const scheduled = history.events!.find(({ activityTaskScheduledEventAttributes: activity }) => activity)!;
  scheduled.activityTaskScheduledEventAttributes!.activityType!.name = 'somethingElse';
  await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history, 'replay-of-another')).rejects.toMatchObject(
    { name: 'DeterminismViolationError' },
  );
});
