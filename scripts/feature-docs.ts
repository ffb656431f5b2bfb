import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { featureTable } from '../src/domain/fraud/featureTable';
import { runScript } from './commandLine';

runScript(
  {
    name: 'docs:features',
    about:
      'Writes docs/features.md from the feature definitions in the code. A test fails while the file is out of date.',
    examples: [['', 'after a change of a feature of the fraud model']],
  },
  (cli) => cli,
  () => writeFileSync(join(__dirname, '../docs/features.md'), featureTable()),
);
