import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/graph/config';
import { buildGraph } from '../../src/graph';
import { HISTORIES, type History } from '../support/histories';
import { TEST_SECRET } from '../support/secret';

/**
 * What each release recorded, by the sum of each file: `npm run replay:release`. All of it is replayed by
 * `replay.test.ts`.
 */
const releases = JSON.parse(readFileSync(join(__dirname, 'releases.json'), 'utf8')) as Record<
  string,
  Record<string, string>
>;
const recorded = Object.entries(releases).flatMap(([release, files]) =>
  Object.entries(files).map(([file, sum]) => ({ release, file, sum })),
);
const read = (file: string) => readFileSync(join(HISTORIES, file));

it.each(Object.keys(releases))('every history that release %s left behind is still here, as it was', (release) => {
  const its = recorded.filter((one) => one.release === release);
  expect(its.length).toBeGreaterThan(50);
  for (const { file, sum } of its)
    expect([file, createHash('sha256').update(read(file)).digest('hex')]).toEqual([file, sum]);
});

it('every activity that a recorded workflow asked for is still served, on the queue that it asked', () => {
  // Nothing is called, so that nobody has to be there.
  const graph = buildGraph({
    config: readConfig({ LONGWATCH_LOG_LEVEL: 'silent' }),
    endpoints: { s3: { bucket: 'archive', endpoint: 'http://127.0.0.1:1' }, temporal: { address: '127.0.0.1:1' } },
    signingSecret: TEST_SECRET,
    publicUrl: () => '',
  });
  const asked = new Set<string>();
  for (const { file } of recorded) {
    const { events } = JSON.parse(read(file).toString('utf8')) as History;
    for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? [])
      if (scheduled) asked.add(`${scheduled.taskQueue?.name} ${scheduled.activityType?.name}`);
  }
  expect(asked.size).toBeGreaterThan(40);
  const missing = [...asked].filter((one) => {
    const [queue, type] = one.split(' ') as [string, string];
    // The time-skipping tests' workers have queues of their own.
    const served = queue.startsWith('longwatch-') ? [graph.activities[queue]] : Object.values(graph.activities);
    return !served.some((activities) => activities !== undefined && type in activities);
  });
  expect(missing).toEqual([]);
});
