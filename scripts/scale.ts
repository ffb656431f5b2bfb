import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from './commandLine';
import { scalePage, withComputed } from './scale/page';

const PAGE = join(__dirname, '..', 'docs', 'scale.md');

runScript(
  {
    name: 'scale',
    about:
      'Prints the limits of each capability as Markdown: the number of users at which each limit is reached, what to ' +
      'change then, and figures up to 100 million users.',
    examples: [
      ['', 'prints the limits'],
      ['--write', 'after measurements or list prices have changed'],
    ],
  },
  (cli) => cli.option('write', { type: 'boolean', default: false, describe: 'Write the result to docs/scale.md' }),
  ({ write }) => {
    const computed = scalePage();
    if (write) writeFileSync(PAGE, withComputed(readFileSync(PAGE, 'utf8'), computed));
    else console.log(computed);
  },
);
