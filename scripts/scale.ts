import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { scalePage, withComputed } from './scale/page';

/** Computes how far each capability goes, up to 100 million users, as docs/scale.md shows it. */
const { write } = yargs(hideBin(process.argv))
  .scriptName('npm run scale --')
  .usage('$0\n\nThe first limit of each capability, at how many users it is met, what to turn, and figures up to 100 million users, as Markdown.')
  .option('write', { type: 'boolean', default: false, describe: 'Put it into docs/scale.md' })
  .strict()
  .help()
  .parseSync();

const PAGE = join(__dirname, '..', 'docs', 'scale.md');
const computed = scalePage();
if (write) writeFileSync(PAGE, withComputed(readFileSync(PAGE, 'utf8'), computed));
else console.log(computed);
