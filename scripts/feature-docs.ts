import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { featureTable } from '../src/domain/fraud/featureTable';

/** Writes docs/features.md from the definitions in the code; a test fails while it is not current. */
writeFileSync(join(__dirname, '../docs/features.md'), featureTable());
