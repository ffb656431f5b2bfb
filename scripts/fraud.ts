// Before the SDK loads: which Node.js it will want some day is no news here.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { LabError } from '../src/lab/errors';
import { backtest } from './fraud/backtest';
import { drift } from './fraud/drift';
import { features } from './fraud/features';
import { labels } from './fraud/labels';
import { promote, shadow } from './fraud/shadow';
import { simulate } from './fraud/simulate';
import { train } from './fraud/train';

/** The life of a model: simulated payments, features, training, backtests. */
const cli = yargs(hideBin(process.argv))
  .scriptName('npm run fraud --')
  .usage('$0 <command>\n\nThe life of a fraud model, through the code that serves it.');
for (const add of [simulate, features, train, backtest, shadow, promote, drift, labels]) add(cli);
void cli
  .demandCommand(1, 'Say what to do; --help lists it')
  .strict()
  .help()
  .fail((message, error) => {
    // YError: what an option's own check threw.
    const known = error instanceof LabError || error?.name === 'YError' || (error as NodeJS.ErrnoException | undefined)?.code !== undefined;
    console.error(error === undefined ? message : known ? error.message : error);
    process.exit(1);
  })
  .parse();
