// Before the SDK loads: no news for whoever runs this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { LabError } from '../src/lab/errors';
import { query } from './devices/query';
import { simulateDevices } from './devices/simulate';

/** Devices' readings from the command line. */
const cli = yargs(hideBin(process.argv)).scriptName('npm run devices --').usage('$0 <command>\n\nReadings of devices.');
for (const add of [query, simulateDevices]) add(cli);
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
