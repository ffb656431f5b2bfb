import type { Registry } from 'prom-client';
import { Metrics } from '.';

interface Listed {
  name: string;
  type: string;
  help: string;
  labelNames: readonly string[];
}

/**
 * Lists every metric of a process, from its registry.
 * @param capabilities the metrics classes of the capabilities
 */
export function listMetrics(capabilities: readonly (new (registry: Registry) => unknown)[]): Listed[] {
  const { registry } = new Metrics();
  // A class registers its metrics in its constructor.
  capabilities.forEach((metrics) => Reflect.construct(metrics, [registry]));
  return registry.getMetricsAsArray().map((metric) => {
    const { name, help, type, labelNames = [] } = metric as unknown as Listed;
    return { name, help, type: String(type), labelNames };
  });
}

const ours = /^longwatch_/;
const temporals = /^temporal_/;

/** Returns the text of docs/metrics.md: name, type, labels and meaning of every metric. */
export function metricsTable(capabilities: Parameters<typeof listMetrics>[0]): string {
  const all = listMetrics(capabilities);
  const rows = (wanted: (name: string) => boolean) =>
    [
      '| metric | type | labels | meaning |',
      '| --- | --- | --- | --- |',
      ...all
        .filter(({ name }) => wanted(name))
        .map(
          ({ name, type, labelNames, help }) =>
            `| \`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(' ')} | ${help} |`,
        ),
    ].join('\n');
  return `# Metrics

What \`/metrics\` of the API, and of a worker on \`LONGWATCH_WORKER_PORT\`, exports for Prometheus. This page is \
written by \`npm run docs:metrics\` from the registry; a test fails while it is not current. What they are for is in \
[observability](observability.md).

A histogram has the series \`…_bucket\` (with \`le\`), \`…_sum\` and \`…_count\`. Labels are low in number and never \
hold an id of a person, a thing or a request.

## Longwatch

${rows((name) => ours.test(name))}

## Temporal

Measured by Temporal's SDK in processes that run workers, under its names; durations in seconds.

${rows((name) => temporals.test(name))}

## Process

From [prom-client](https://www.npmjs.com/package/prom-client)'s defaults.

${rows((name) => !ours.test(name) && !temporals.test(name))}
`;
}
