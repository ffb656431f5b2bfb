import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsTable } from '../src/metrics/table';

/** Writes docs/metrics.md from the registry; a test fails while it is not current. */
writeFileSync(join(__dirname, '../docs/metrics.md'), metricsTable());
