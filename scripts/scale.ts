import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { scalePage, withComputed } from './scale/page';

/** Computes how far each capability goes, up to 100 million users, as docs/scale.md shows it. */
const { write } = yargs(hideBin(process.argv))
  .scriptName('npm run scale --')
  .usage(
    '$0\n\nPrints the limits of each capability as Markdown: the number of users at which each is reached, what ' +
      'to change then, and figures up to 100 million users.',
  )
  .option('write', { type: 'boolean', default: false, describe: 'Write the result to docs/scale.md' })
  .strict()
  .help()
  .parseSync();

const PAGE = join(__dirname, '..', 'docs', 'scale.md');
const computed = scalePage();
if (write) writeFileSync(PAGE, withComputed(readFileSync(PAGE, 'utf8'), computed));
else console.log(computed);
