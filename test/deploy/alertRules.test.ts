import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { alerts } from '../support/observability';
import { findPrometheus } from '../support/prometheus';

const promtool = findPrometheus('promtool');
const run = promisify(execFile);
const ifPrometheus = promtool === undefined ? it.skip : it;

/** Samples a minute, as promtool writes them: `start+step x times`, `value x times`. */
type Series = Readonly<Record<string, string>>;

const AT = '40m';
const http = (status: number, le?: string) =>
  `longwatch_http_request_seconds_${le === undefined ? 'count' : 'bucket'}` +
  `{job="longwatch-api",instance="a",method="POST",route="/v1/x",status="${status}"` +
  `${le === undefined ? '' : `,le="${le}"`}}`;
const store = (result: string) =>
  `longwatch_dynamodb_call_seconds_count{operation="GetItem",table="Sessions",result="${result}"}`;
const gateway = (result: string) =>
  `longwatch_gateway_call_seconds_count{gateway="sagemaker",operation="InvokeEndpoint",result="${result}"}`;
const wait = (le: string) =>
  `temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="longwatch-fraud",le="${le}"}`;
const queued = (le: string) => `longwatch_http_queue_seconds_bucket{class="money",le="${le}"}`;
const readings = (result: string) => `longwatch_device_readings_total{path="mqtt",result="${result}"}`;
const activity = (name: string) =>
  `temporal_activity_${name}_total{task_queue="longwatch-fraud",activity_type="scoreCase"}`;

/** As it looks when all is well. */
const well: Series = {
  'up{job="longwatch-api",instance="a"}': '1x60',
  [http(200)]: '0+600x60',
  [http(503)]: '0x60',
  [http(200, '0.5')]: '0+600x60',
  [http(200, '2.5')]: '0+600x60',
  [http(200, '+Inf')]: '0+600x60',
  'longwatch_http_shed_total{where="arrival"}': '0x60',
  'nodejs_eventloop_lag_p99_seconds{instance="a"}': '0.02x60',
  [store('ok')]: '0+600x60',
  [store('failed')]: '0x60',
  [gateway('ok')]: '0+600x60',
  [gateway('late')]: '0x60',
  'longwatch_mqtt_connected{instance="w"}': '1x60',
  [queued('0.25')]: '0+590x60',
  [queued('0.5')]: '0+600x60',
  [queued('1')]: '0+600x60',
  [queued('+Inf')]: '0+600x60',
  'longwatch_unhandled_rejections_total{instance="a"}': '0x60',
  'longwatch_ledger_oldest_seconds{instance="a",kind="start"}': '0x60',
  'longwatch_ledger_oldest_seconds{instance="a",kind="rescore"}': '0x60',
  'temporal_num_pollers{task_queue="longwatch-fraud",poller_type="activity_task"}': '5x60',
  [wait('0.1')]: '0+60x60',
  [wait('30')]: '0+60x60',
  [wait('+Inf')]: '0+60x60',
  [activity('task_received')]: '0+60x60',
  [activity('execution_failed')]: '0+1x60',
  'longwatch_reconciler_last_look_age_seconds{instance="w",mode="quick"}': '90x60',
  'longwatch_reconciler_postponed_total{instance="w",mode="quick"}': '0x60',
  'longwatch_stream_lag_seconds{stream="leaderboard",shard="1"}': '1x60',
  'longwatch_stream_trimmed_total{stream="leaderboard"}': '0x60',
  'longwatch_dead_letters_total{source="transactions"}': '0x60',
  'longwatch_fraud_decisions_total{outcome="approve",mode="full",path="request"}': '0+600x60',
  'longwatch_fraud_degraded_total{cause="model-late"}': '0x60',
  'longwatch_fraud_drift_index{model="m",feature="amount"}': '0.05x60',
  'longwatch_session_sweep_overdue_seconds{instance="a"}': '3x60',
  'longwatch_checkouts_total{what="refund-due"}': '0x60',
  'longwatch_leaderboard_checked_players_total{result="wrong"}': '0x60',
  longwatch_device_rollups_replaced_total: '0x60',
  [readings('stored')]: '0+600x60',
  [readings('rejected')]: '0+6x60',
};

/** What is not well, and the alert of it. `null` takes a series away. */
const faults: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  LongwatchProcessDown: { 'up{job="longwatch-api",instance="a"}': '1x30 0x30' },
  LongwatchRequestsFail: { [http(503)]: '0+12x60' },
  LongwatchRequestsTurnedAway: { 'longwatch_http_shed_total{where="arrival"}': '0+60x60' },
  LongwatchRequestsSlow: { [http(200, '0.5')]: '0+500x60' },
  LongwatchEventLoopBlocked: { 'nodejs_eventloop_lag_p99_seconds{instance="a"}': '0.8x60' },
  LongwatchRequestsWait: { [queued('0.25')]: '0+400x60', [queued('0.5')]: '0+500x60' },
  LongwatchUnhandledRejection: { 'longwatch_unhandled_rejections_total{instance="a"}': '0x30 1x30' },
  LongwatchDynamoDBFails: { [store('failed')]: '0+12x60' },
  LongwatchGatewayFails: { [gateway('late')]: '0+100x60' },
  LongwatchMqttDisconnected: { 'longwatch_mqtt_connected{instance="w"}': '1x30 0x30' },
  LongwatchLedgerBehind: { 'longwatch_ledger_oldest_seconds{instance="a",kind="start"}': '0x30 0+60x30' },
  LongwatchRescoresBehind: { 'longwatch_ledger_oldest_seconds{instance="a",kind="rescore"}': '0+60x60' },
  LongwatchNoWorkers: { 'temporal_num_pollers{task_queue="longwatch-fraud",poller_type="activity_task"}': null },
  LongwatchWorkersBusy: { [wait('0.1')]: '0+50x60' },
  LongwatchWorkflowTasksFail: {
    ['temporal_workflow_task_execution_failed_total' +
    '{task_queue="longwatch-carts",workflow_type="cart",failure_reason="NonDeterminismError"}']: '_x20 1+1x40',
  },
  LongwatchWorkflowsFail: {
    'temporal_workflow_failed_total{task_queue="longwatch-devices",workflow_type="archiveDay"}': '_x35 1x25',
  },
  LongwatchReconcilerStopped: {
    'longwatch_reconciler_last_look_age_seconds{instance="w",mode="quick"}': '90x10 0+60x50',
  },
  LongwatchWorkflowsLost: { 'longwatch_reconciler_postponed_total{instance="w",mode="quick"}': '0x20 1+1x40' },
  LongwatchActivitiesFail: { [activity('execution_failed')]: '0+50x60' },
  LongwatchStreamBehind: { 'longwatch_stream_lag_seconds{stream="leaderboard",shard="1"}': '1x20 90x40' },
  LongwatchStreamUnread: { 'longwatch_stream_lag_seconds{stream="leaderboard",shard="1"}': null },
  LongwatchStreamTrimmed: { 'longwatch_stream_trimmed_total{stream="leaderboard"}': '0x30 1x30' },
  LongwatchRefused: { 'longwatch_dynamodb_refused_total{operation="PutItem",table="Investigations"}': '0x30 1x30' },
  LongwatchDeadLetters: { 'longwatch_dead_letters_total{source="transactions"}': '0x30 1x30' },
  LongwatchDecisionsDegraded: { 'longwatch_fraud_degraded_total{cause="model-late"}': '0+60x60' },
  LongwatchModelDrifts: { 'longwatch_fraud_drift_index{model="m",feature="amount"}': '0.3x80' },
  LongwatchSessionsSweptLate: { 'longwatch_session_sweep_overdue_seconds{instance="a"}': '0+60x60' },
  LongwatchRefundsDue: { 'longwatch_checkouts_total{what="refund-due"}': '0x30 1x30' },
  LongwatchRanksWrong: { 'longwatch_leaderboard_checked_players_total{result="wrong"}': '0x30 2x30' },
  LongwatchRollupsWrong: { longwatch_device_rollups_replaced_total: '0x30 5x30' },
  LongwatchReadingsRejected: { [readings('rejected')]: '0+100x60' },
};

/** Later than the others: it waits for an hour. */
const at = (alert: string) => (alert === 'LongwatchModelDrifts' ? '70m' : AT);

function unitTests() {
  const scenario = (name: string, series: Series, time: string, firing: string[]) => ({
    name,
    interval: '1m',
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: time,
        exp_samples: firing.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
      },
    ],
  });
  const longer = (values: string) => `${values} ${values.includes('+') ? values.replace(/^0\+/, '36600+') : values}`;
  const worse = Object.entries(faults).map(([alert, changes]) => {
    const base =
      at(alert) === AT ? well : Object.fromEntries(Object.entries(well).map(([one, values]) => [one, longer(values)]));
    const series = Object.fromEntries(
      Object.entries({ ...base, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    return scenario(alert, series, at(alert), [alert]);
  });
  return {
    rule_files: [resolve('deploy/observability/alerts.yml')],
    evaluation_interval: '1m',
    tests: [scenario('all is well', well, AT, []), ...worse],
  };
}

it('every alert has a fault that is to raise it', () => {
  expect(Object.keys(faults).sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

ifPrometheus('Prometheus takes the rules and the scrape configuration', async () => {
  await expect(run(promtool!, ['check', 'rules', 'deploy/observability/alerts.yml'])).resolves.toMatchObject({
    stdout: expect.stringContaining('SUCCESS'),
  });
  await expect(run(promtool!, ['check', 'config', 'deploy/observability/prometheus.yml'])).resolves.toMatchObject({
    stdout: expect.stringContaining('SUCCESS'),
  });
});

ifPrometheus('a fault raises its alert and no other, and while all is well there is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-alerts-'));
  try {
    const file = join(folder, 'alerts.test.yml');
    writeFileSync(file, stringify(unitTests()));
    const { stdout } = await run(promtool!, ['test', 'rules', file]).catch((error: unknown) => {
      const { stdout: out, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${out}\n${stderr}`);
    });
    expect(stdout).toContain('SUCCESS');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
