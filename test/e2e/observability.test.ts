import { parseTraceparent } from '../../src/domain/platform/carrier';
import { type Used, useEverything } from '../support/everything';
import { dashboard, expressions } from '../support/observability';
import { type Collector, type ReceivedSpan, startCollector } from '../support/otlp';
import { findPrometheus, startPrometheus } from '../support/prometheus';
import { readExposition, readQuery, SCRAPE_SERIES, SCRAPED_LABELS, withoutVariables } from '../support/promql';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../support/stack';

let collector: Collector;
let stack: RunningStack;
let used: Used;

beforeAll(async () => {
  collector = await startCollector();
  stack = await startLongwatch({
    ...collector.environment,
    LONGWATCH_LOG_LEVEL: 'debug',
    LONGWATCH_RECONCILE_EVERY_MS: '5000',
  });
  await eventually(
    () => stack.get('/readyz'),
    ({ json }) => json.status === 'ready',
  );
  used = await useEverything(stack);
}, 900_000);
afterAll(async () => {
  await stack?.stop();
  await collector?.close();
  if (stack) removeDataDir(stack.dataDir);
});

/**
 * Series that come with a fault, which this run has none of: their names are exported, their labels are the registry's.
 */
const onlyWithFaults = new Set([
  'temporal_workflow_failed_total',
  'temporal_workflow_task_execution_failed_total',
  'temporal_activity_execution_failed_total',
  'temporal_workflow_continue_as_new_total',
  'longwatch_dynamodb_refused_total',
  'longwatch_reconciler_restarts_total',
]);
/** Series that come with what this run does not do: a challenger, a baseline's least number of decisions. */
const onlyWithMore = new Set(['longwatch_fraud_shadow_decisions_total', 'longwatch_fraud_drift_index']);
/** Panels of what this run has none of: failures, and what needs a challenger or more payments. */
const mayBeEmpty = new Set([
  'Failed requests',
  'Unsuccessful calls',
  'Failures by table',
  'Ended workflows',
  'Failed activity attempts and workflow tasks',
  'Drift',
  'Live and challenger',
  'Sessions',
  'Lateness of the session sweep, p95',
  'Restarted workflows',
  'Dead letters',
]);
/** Values that only a fault gives a label. */
const faultyValues = new Set(['result=failed']);

type Series = ReturnType<typeof readExposition>;
const scrape = async () => readExposition((await stack.get('/metrics')).text);
const names = () =>
  expressions.flatMap(({ where, expr }) => {
    const { selectors, groupings } = readQuery(withoutVariables(expr));
    return selectors
      .filter(({ metric }) => !SCRAPE_SERIES.includes(metric))
      .map((selector) => ({ where, groupings, ...selector }));
  });
const missing = (series: Series) =>
  names()
    .filter(({ metric }) => !onlyWithFaults.has(metric) && !onlyWithMore.has(metric) && !series.has(metric))
    .map(({ metric }) => metric);

describe('metrics', () => {
  it('everything that an alert or a panel asks for is exported, with the labels and values that it names', async () => {
    await eventually(
      async () => missing(await scrape()),
      ({ length }) => length === 0,
    );
    const series = await scrape();
    const { text } = await stack.get('/metrics');
    for (const { where, metric, matchers, groupings } of names()) {
      if (onlyWithFaults.has(metric) || onlyWithMore.has(metric)) {
        expect(text).toContain(`# TYPE ${metric} `);
        continue;
      }
      const found = series.get(metric)!;
      const labels = [...new Set(found.flatMap((one) => Object.keys(one)))];
      for (const label of [...groupings, ...matchers.map((one) => one.label)])
        if (!SCRAPED_LABELS.includes(label))
          expect({ where, metric, labels }).toEqual({ where, metric, labels: expect.arrayContaining([label]) });
      for (const { label, operator, value } of matchers)
        if (operator === '=' && !faultyValues.has(`${label}=${value}`) && !SCRAPED_LABELS.includes(label))
          expect({ where, values: found.map((one) => one[label]) }).toEqual({
            where,
            values: expect.arrayContaining([value]),
          });
    }
  });

  it('routes are patterns, tables have their names, and every part that was called is there', async () => {
    const series = await scrape();
    const values = (metric: string, label: string) => new Set(series.get(metric)!.map((one) => one[label]));
    expect([...values('longwatch_http_request_seconds_count', 'route')]).toEqual(
      expect.arrayContaining(['/v1/carts/:userId/items/:productId', '/v1/boards/:gameId/scores', 'none']),
    );
    expect([...values('longwatch_dynamodb_call_seconds_count', 'table')]).toEqual(
      expect.arrayContaining(['Sessions', 'ShoppingCart', 'Leaderboard', 'DeviceData', 'Starts', 'several']),
    );
    expect([...values('longwatch_dynamodb_units_total', 'table')]).not.toContain('several');
    expect([...values('longwatch_gateway_call_seconds_count', 'gateway')].sort()).toEqual([
      'dynamodb-streams',
      'kinesis',
      'mqtt',
      's3',
      'sagemaker',
      'temporal',
    ]);
    expect([...values('temporal_workflow_completed_total', 'workflow_type')]).toEqual(
      expect.arrayContaining(['fanOut', 'relation']),
    );
    expect(series.get('longwatch_mqtt_connected')).toEqual([{}]);
  });

  it('no label holds an id, so that the number of series does not grow with use', async () => {
    const { text } = await stack.get('/metrics');
    for (const id of [...used.personal, ...used.secrets, used.postId, used.requestId]) expect(text).not.toContain(id);
    const before = text.split('\n').length;
    await useEverything(stack);
    // Results and shards that come for the first time are all that may come.
    expect((await stack.get('/metrics')).text.split('\n').length - before).toBeLessThan(before / 10);
  });
});

const prometheus = findPrometheus('prometheus');
const ifPrometheus = prometheus === undefined ? it.skip : it;

ifPrometheus(
  'Prometheus scrapes it, evaluates the rules without a fault, and has an answer for every panel',
  async () => {
    const running = await startPrometheus(prometheus!, new URL(stack.url).host);
    try {
      await eventually(
        () => running.query('count(up == 1)'),
        (found) => found.length > 0,
      );
      await useEverything(stack);
      const found = await eventually(
        () => running.rules(),
        (all) => all.every(({ health }) => health !== 'unknown'),
      );
      expect(found.filter(({ health }) => health !== 'ok')).toEqual([]);
      const empty: string[] = [];
      for (const { title, targets = [] } of dashboard.panels)
        for (const { expr } of targets) {
          const { length } = await eventually(
            () => running.query(withoutVariables(expr).replaceAll('[5m]', '[1m]')),
            (result) => result.length > 0 || mayBeEmpty.has(title),
          );
          if (length === 0) empty.push(title);
        }
      expect(empty.filter((title) => !mayBeEmpty.has(title))).toEqual([]);
    } finally {
      await running.stop();
    }
  },
);

describe('traces', () => {
  const chain = async (wanted: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan[]> => {
    const spans = [await collector.find(wanted)];
    for (let above = collector.parentOf(spans[0]!); above; above = collector.parentOf(above)) spans.unshift(above);
    return spans;
  };

  it('one trace leads from the caller through the request and the workflow to DynamoDB', async () => {
    const { traceId, spanId } = parseTraceparent(used.traceparent)!;
    const ofRequest = (name: RegExp) => (span: ReceivedSpan) => span.traceId === traceId && name.test(span.name);
    // The run's span comes last, when the workflow is over.
    await collector.find(ofRequest(/^RunWorkflow:fanOut$/));
    const write = await collector.find(
      (span) => ofRequest(/^DynamoDB /)(span) && collector.parentOf(span)?.name.startsWith('RunActivity:') === true,
    );
    const spans = await chain(({ spanId: id }) => id === write.spanId);
    expect(spans.map(({ name }) => name)).toEqual([
      'POST /v1/posts',
      'temporal StartWorkflow',
      'RunWorkflow:fanOut',
      expect.stringMatching(/^RunActivity:/),
      expect.stringMatching(/^DynamoDB /),
    ]);
    expect(spans[0]).toMatchObject({
      parentSpanId: spanId,
      kind: 2,
      attributes: { 'http.route': '/v1/posts', 'http.response.status_code': 201 },
      resource: { 'service.name': 'longwatch' },
    });
    expect(spans[2]!.attributes).toMatchObject({ 'temporal.workflow.outcome': 'completed' });
    for (const span of spans) {
      expect(span.traceId).toBe(traceId);
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
    }
  });

  it('a request’s own calls lie under it', async () => {
    const scored = await collector.find(({ name }) => name === 'sagemaker InvokeEndpoint');
    const [request] = await chain(({ spanId }) => spanId === scored.spanId);
    expect(request).toMatchObject({ name: 'POST /v1/transactions', kind: 2 });
    const written = collector.spans.filter(
      ({ parentSpanId, name }) => parentSpanId === request!.spanId && name === 'DynamoDB TransactWriteItems',
    );
    expect(written).toHaveLength(1);
  });

  it('what comes by streams and messages is traced by the batch, and what comes round by itself is not', async () => {
    expect((await collector.find(({ name }) => name === 'stream leaderboard')).parentSpanId ?? '').toBe('');
    expect((await collector.find(({ name }) => name === 'mqtt receive')).kind).toBe(5);
    const roots = new Set(
      collector.spans.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name.replace(/ .*/, '')),
    );
    expect(
      [...roots].filter((name) => !['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'stream', 'mqtt'].includes(name)),
    ).toEqual([]);
    expect(collector.spans.filter(({ name }) => /healthz|readyz|metrics/.test(name))).toEqual([]);
  });

  it('spans hold nothing of persons, and no secret', () => {
    const all = JSON.stringify(collector.spans);
    for (const text of [...used.personal, ...used.secrets, used.postId]) expect(all).not.toContain(text);
  });
});

describe('logs', () => {
  type Line = Record<string, unknown>;
  const lines = (): Line[] =>
    stack
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);

  it('a request’s lines and those of the workflow that it made necessary have the request’s id', async () => {
    const workflowId = `fan-out/${used.postId}`;
    const ofRequest = await eventually(
      async () => lines().filter(({ requestId }) => requestId === used.requestId),
      (found) => found.some(({ activity, msg }) => activity !== undefined && msg === 'Activity completed'),
    );
    const { traceId } = parseTraceparent(used.traceparent)!;
    expect(ofRequest.find(({ msg }) => msg === 'request')).toMatchObject({
      method: 'POST',
      route: '/v1/posts',
      status: 201,
      postId: used.postId,
      owes: workflowId,
      trace_id: traceId,
    });
    expect(ofRequest.filter(({ activity }) => activity !== undefined)).not.toHaveLength(0);
    for (const line of ofRequest.filter(({ activity }) => activity !== undefined))
      expect(line).toMatchObject({ workflowId, runId: expect.any(String), postId: used.postId, attempt: 1 });
  });

  it('every line of Temporal’s workers says which workflow it is about', () => {
    const ofActivities = lines().filter(({ msg }) => msg === 'Activity started');
    expect(ofActivities.length).toBeGreaterThan(10);
    for (const line of ofActivities)
      expect(line).toMatchObject({
        workflowId: expect.any(String),
        runId: expect.any(String),
        activity: expect.any(String),
      });
  });

  it('no line holds a secret', () => {
    for (const secret of used.secrets) for (const line of lines()) expect(JSON.stringify(line)).not.toContain(secret);
  });
});
