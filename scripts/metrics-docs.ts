import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilities } from '../src/graph/capabilities';
import { metricsTable } from '../src/metrics/table';
import { runScript } from './commandLine';

runScript(
  {
    name: 'docs:metrics',
    about: 'Writes docs/metrics.md from the metrics in the code. A test fails while the file is out of date.',
    examples: [['', 'after a metric or its description has changed']],
  },
  (cli) => cli,
  () => writeFileSync(join(__dirname, '../docs/metrics.md'), metricsTable(capabilities.map(({ metrics }) => metrics))),
);
