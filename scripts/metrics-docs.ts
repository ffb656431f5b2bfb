import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilities } from '../src/graph/capabilities';
import { metricsTable } from '../src/metrics/table';

/** Writes docs/metrics.md from the registry; a test fails while it is not current. */
writeFileSync(join(__dirname, '../docs/metrics.md'), metricsTable(capabilities.map(({ metrics }) => metrics)));
