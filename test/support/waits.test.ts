import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Pauses that are part of what a test does, not of what it hopes: pace, work that takes time, faults at random
 * instants.
 * Whatever a test waits for is awaited with `eventually`; that something does not happen is asked by `stillAfter`.
 */
const ALLOWED: Record<string, { pauses: number; why: string }> = {
  'test/operations/platform/streams/checkpointLease.test.ts': { pauses: 1, why: 'a reader is driven step by step' },
  'test/operations/devices/readingChanges.test.ts': {
    pauses: 1,
    why: 'the reader starts at some instant of the check',
  },
  'test/activities/refusals.test.ts': { pauses: 1, why: 'the end of what reads on for ever' },
  'test/activities/refusedCalls.test.ts': { pauses: 1, why: 'the end of what reads on for ever' },
  'test/operations/sessions/sweeper.test.ts': { pauses: 1, why: 'sessions come due one after another' },
  'test/operations/fraud/transactionStream.test.ts': { pauses: 3, why: 'kills and cuts at random instants' },
  'test/timing/groupCommit.test.ts': { pauses: 1, why: 'calls that take time' },
  'test/timing/clock.test.ts': { pauses: 3, why: 'the system’s clock itself' },
  'test/timing/deadline.test.ts': { pauses: 2, why: 'work that takes time' },
  'test/api/fraud/transactions.test.ts': { pauses: 2, why: 'the time for which a broken model is spared' },
  'test/api/devices/readings.test.ts': { pauses: 1, why: 'timestamps that differ' },
  'test/api/leaderboards/scores.test.ts': { pauses: 1, why: 'timestamps that differ' },
  'test/api/http/requestFrame.test.ts': { pauses: 1, why: 'a handler that takes time' },
  'test/api/http/requestEnds.test.ts': { pauses: 1, why: 'an answer that takes longer than it may' },
  'test/e2e/secrets.test.ts': { pauses: 1, why: 'parts are away for a while, and whatever is logged then is searched' },
  'test/faults/devices.test.ts': { pauses: 1, why: 'pace of reads while a workflow runs' },
  'test/faults/leaderboards.test.ts': { pauses: 2, why: 'pace of scores; the instant of the kill' },
  'test/faults/sessions.test.ts': { pauses: 1, why: 'sessions come due one after another' },
  'test/fuzz/api.test.ts': { pauses: 2, why: 'a reader leaves a stream; the bound of an answer' },
  'test/gateways/fraud/sagemaker.test.ts': { pauses: 2, why: 'the time for which a broken model is spared' },
  'test/run/retryUntilReady.test.ts': { pauses: 1, why: 'a stop from outside' },
  'test/local/folders.test.ts': {
    pauses: 3,
    why: 'a lock that is held for a while; a process that waits for its child’s end',
  },
  'test/metrics/cachedRead.test.ts': { pauses: 1, why: 'an answer that does not come' },
  'test/operations/devices/silenceWatch.test.ts': {
    pauses: 2,
    why: 'work that takes time; nothing begins after a failure',
  },
  'test/scripts/benchChildren.test.ts': { pauses: 2, why: 'a bench that is busy until it is ended' },
  'test/workers/drain.test.ts': {
    pauses: 1,
    why: 'an activity that takes longer than a reader of shards is given to end',
  },
  'test/workflows/refusals.test.ts': { pauses: 1, why: 'pace of a workflow without an end' },
};

const ROOT = join(__dirname, '..', '..');
const PAUSE = /(?<!jest\.)\bsetTimeout\(|(?<!environment(?:\(\))?\.)\bsleep\(/g;

it('a test waits for conditions; each pause is one that is listed here with its reason', () => {
  const found: Record<string, number> = {};
  for (const name of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.test.ts') || name.startsWith('support/')) continue;
    const code = readFileSync(join(ROOT, 'test', name), 'utf8');
    const pauses = [...code.matchAll(PAUSE)].length;
    if (pauses > 0) found[join('test', name)] = pauses;
  }
  const listed = Object.fromEntries(Object.entries(ALLOWED).map(([file, { pauses }]) => [file, pauses]));
  const surplus = Object.entries(found).filter(([file, pauses]) => pauses > (listed[file] ?? 0));
  // Instead of a pause: `eventually` of test/support/eventually.ts, or `stillAfter` where nothing must happen.
  expect(surplus).toEqual([]);
  // A list that is longer than the pauses are lets new ones in.
  expect(Object.keys(listed).filter((file) => (found[file] ?? 0) < listed[file]!)).toEqual([]);
});
