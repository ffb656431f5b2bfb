import { setTimeout as sleep } from 'node:timers/promises';
import { Metrics } from '../../src/metrics';
import { cachedRead } from '../../src/metrics/cachedRead';
import { CartMetrics } from '../../src/metrics/carts';
import { SessionMetrics } from '../../src/metrics/sessions';

it('asks once for many who want to know at the same time, and not again before its time', async () => {
  let asked = 0;
  const look = cachedRead(async () => ++asked, { everyMs: 60_000 });
  await expect(Promise.all([look(), look(), look()])).resolves.toEqual([1, 1, 1]);
  await expect(look()).resolves.toBe(1);
  expect(asked).toBe(1);
});

it('keeps what was found last while nothing can be found', async () => {
  const answers = [async () => 'found', async () => Promise.reject(new Error('away')), async () => 'again'];
  const look = cachedRead(() => answers.shift()!(), { everyMs: 0 });
  await expect(look()).resolves.toBe('found');
  await expect(look()).resolves.toBe('found');
  await expect(look()).resolves.toBe('again');
});

it('does not wait for what does not come, nor asks again meanwhile', async () => {
  let asked = 0;
  const look = cachedRead(
    async () => {
      asked++;
      await sleep(60_000, undefined, { ref: false });
      return 1;
    },
    { everyMs: 0, withinMs: 20 },
  );
  await expect(look()).resolves.toBeUndefined();
  await expect(look()).resolves.toBeUndefined();
  expect(asked).toBe(1);
});

it('metrics are exported whatever becomes of the tables that some of them are read from', async () => {
  const metrics = new Metrics();
  metrics.outbox.watchBacklog(async () => Promise.reject(new Error('DynamoDB is away')));
  new CartMetrics(metrics.registry).watchTotals(async () => Promise.reject(new Error('DynamoDB is away')));
  new SessionMetrics(metrics.registry).watchOldestDue(async () => Number.POSITIVE_INFINITY);
  const text = await metrics.registry.metrics();
  expect(text).toContain('# TYPE longwatch_ledger_owed gauge');
  expect(text).not.toContain('longwatch_ledger_owed{');
  expect(text).toContain('longwatch_session_sweep_overdue_seconds 0');
});

it('the ledger’s backlog and the sweep’s delay are told in seconds', async () => {
  const metrics = new Metrics();
  metrics.outbox.watchBacklog(async () => [
    { kind: 'start', due: 3, oldestDueAt: Date.now() - 90_000 },
    { kind: 'rescore', due: 0 },
  ]);
  new SessionMetrics(metrics.registry).watchOldestDue(async () => Date.now() - 5_000);
  const text = await metrics.registry.metrics();
  expect(text).toContain('longwatch_ledger_owed{kind="start"} 3');
  const [, oldest] = /longwatch_ledger_oldest_seconds\{kind="start"\} (\S+)/.exec(text)!;
  expect(Number(oldest) - 90).toBeGreaterThanOrEqual(0);
  expect(Number(oldest) - 90).toBeLessThan(60); // Not milliseconds.
  expect(text).toContain('longwatch_ledger_oldest_seconds{kind="rescore"} 0');
  const [, overdue] = /^longwatch_session_sweep_overdue_seconds (\S+)/m.exec(text)!;
  expect(Number(overdue) - 5).toBeGreaterThanOrEqual(0);
  expect(Number(overdue) - 5).toBeLessThan(60);
});

it('a gauge of a connection that nobody has says nothing, and counters of faults begin at 0', async () => {
  const metrics = new Metrics();
  metrics.streams.opened('leaderboard');
  Reflect.construct(CartMetrics, [metrics.registry]);
  const text = await metrics.registry.metrics();
  expect(text).not.toMatch(/^longwatch_mqtt_connected /m);
  expect(text).toContain('longwatch_stream_trimmed_total{stream="leaderboard"} 0');
  expect(text).toContain('longwatch_checkouts_total{what="refund-due"} 0');
  metrics.gateways.mqttConnected(false);
  expect(await metrics.registry.metrics()).toContain('longwatch_mqtt_connected 0');
});
