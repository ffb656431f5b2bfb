import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A measurement in the form that Temporal's SDK reports it. */
export interface SdkMeasurement {
  metric: { name: string };
  value: number;
  attributes: Readonly<Record<string, string | number | boolean>>;
}

const FAST = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
const LONG = [0.05, 0.25, 1, 5, 30, 300, 3_600, 86_400, 604_800];

interface Spec {
  name: string;
  help: string;
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in seconds. */
  buckets?: readonly number[];
}

const byWorkflow = ['task_queue', 'workflow_type'];
const byActivity = ['task_queue', 'activity_type'];

/**
 * The SDK's metrics that are exported, under the SDK's names. Counters get the suffix `_total`, durations `_seconds`.
 */
const counters: readonly Spec[] = [
  { name: 'workflow_completed', help: 'Completed workflows', labels: byWorkflow },
  { name: 'workflow_failed', help: 'Failed workflows', labels: byWorkflow },
  { name: 'workflow_canceled', help: 'Cancelled workflows', labels: byWorkflow },
  { name: 'workflow_continue_as_new', help: 'Workflows that continued as new', labels: byWorkflow },
  {
    name: 'workflow_task_execution_failed',
    help: 'Failed workflow tasks, by reason; NonDeterminismError: changed code that running workflows cannot replay',
    labels: [...byWorkflow, 'failure_reason'],
  },
  {
    name: 'activity_execution_failed',
    help: 'Failed attempts of activities, including those that are retried',
    labels: byActivity,
  },
  { name: 'activity_task_received', help: 'Started attempts of activities', labels: byActivity },
  { name: 'request', help: 'Calls of workers to Temporal', labels: ['operation'] },
  {
    name: 'request_failure',
    help: 'Failed calls of workers to Temporal, by gRPC status',
    labels: ['operation', 'status_code'],
  },
  {
    name: 'long_request_failure',
    help: 'Failed long polls of workers, by gRPC status',
    labels: ['operation', 'status_code'],
  },
  {
    name: 'sticky_cache_miss',
    help: 'Workflow tasks whose workflow was replayed from its history',
    labels: ['task_queue'],
  },
];
const gauges: readonly Spec[] = [
  {
    name: 'worker_task_slots_available',
    help: 'Free task slots',
    labels: ['task_queue', 'worker_type'],
  },
  { name: 'worker_task_slots_used', help: 'Used task slots', labels: ['task_queue', 'worker_type'] },
  { name: 'num_pollers', help: 'Active polls of workers', labels: ['task_queue', 'poller_type'] },
  { name: 'sticky_cache_size', help: 'Workflows cached in memory', labels: ['task_queue'] },
];
const histograms: readonly Spec[] = [
  {
    name: 'workflow_endtoend_latency',
    help: 'Duration of a workflow’s run',
    labels: byWorkflow,
    buckets: LONG,
  },
  {
    name: 'workflow_task_schedule_to_start_latency',
    help: 'Wait of workflow tasks for a worker',
    labels: ['task_queue'],
    buckets: FAST,
  },
  { name: 'workflow_task_execution_latency', help: 'Duration of a workflow task', labels: byWorkflow, buckets: FAST },
  {
    name: 'activity_schedule_to_start_latency',
    help: 'Wait of activities for a worker',
    labels: ['task_queue'],
    buckets: FAST,
  },
  {
    name: 'activity_execution_latency',
    help: 'Duration of an attempt of an activity',
    labels: byActivity,
    buckets: [...FAST, 300, 3_600],
  },
  { name: 'request_latency', help: 'Duration of calls of workers to Temporal', labels: ['operation'], buckets: FAST },
];

type Take = (value: number, labels: Record<string, string>) => void;

/**
 * Metrics of workflows, activities and workers, as Temporal's SDK measures them. Metrics and labels that are not listed
 * above are dropped.
 */
export class TemporalMetrics {
  private readonly takes = new Map<string, { labels: readonly string[]; take: Take }>();

  constructor(registry: Registry) {
    const registers = [registry];
    const add = ({ name, labels }: Spec, take: Take) => void this.takes.set(`temporal_${name}`, { labels, take });
    for (const spec of counters) {
      const counter = new Counter({
        name: `temporal_${spec.name}_total`,
        help: spec.help,
        labelNames: [...spec.labels],
        registers,
      });
      add(spec, (value, labels) => counter.inc(labels, value));
    }
    for (const spec of gauges) {
      const gauge = new Gauge({
        name: `temporal_${spec.name}`,
        help: spec.help,
        labelNames: [...spec.labels],
        registers,
      });
      add(spec, (value, labels) => gauge.set(labels, value));
    }
    for (const spec of histograms) {
      const histogram = new Histogram({
        name: `temporal_${spec.name}_seconds`,
        help: spec.help,
        labelNames: [...spec.labels],
        buckets: [...(spec.buckets ?? FAST)],
        registers,
      });
      add(spec, (value, labels) => histogram.observe(labels, value));
    }
  }

  /** Adds measurements of the SDK. */
  take(measurements: Iterable<SdkMeasurement>): void {
    for (const { metric, value, attributes } of measurements) {
      const known = this.takes.get(metric.name);
      if (!known) continue;
      known.take(value, Object.fromEntries(known.labels.map((label) => [label, String(attributes[label] ?? '')])));
    }
  }
}
