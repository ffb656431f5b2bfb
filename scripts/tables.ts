// Before the SDK loads: no news for whoever runs this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { ConfigError, readConfig } from '../src/config';
import { LabError } from '../src/lab/errors';
import { updateTables } from '../src/stores/tableChanges';
import { checkTables, TableMismatchError } from '../src/stores/tableCheck';
import { tables } from '../src/stores/tables';
import { openTables } from './fraud/parts';

const count = Object.keys(tables).length;
const verb = { create: 'creating', index: 'building the index of', stream: 'opening the stream of', ttl: 'turning on TTL of' } as const;

async function check(): Promise<void> {
  const { db, close } = openTables();
  try {
    const differences = await checkTables(db.client, readConfig().LONGWATCH_TABLE_PREFIX);
    if (differences.length > 0) throw new TableMismatchError(differences);
    console.log(`All ${count} tables are as this version expects them.`);
  } finally {
    close();
  }
}

async function update(): Promise<void> {
  const { db, close } = openTables();
  try {
    let begun: number | undefined;
    const ended = () => begun !== undefined && console.log(`  done in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    const left = await updateTables(db.client, readConfig().LONGWATCH_TABLE_PREFIX, (difference) => {
      ended();
      begun = Date.now();
      console.log(`${verb[difference.mend ?? 'create']} ${difference.physicalName}${difference.index === undefined ? '' : ` (${difference.index})`}`);
    });
    ended();
    if (left.length > 0) throw new TableMismatchError(left);
    console.log(`All ${count} tables are as this version expects them.`);
  } finally {
    close();
  }
}

void yargs(hideBin(process.argv))
  .scriptName('npm run tables --')
  .usage('$0 <command>\n\nThe tables as this version expects them: DYNAMODB_ENDPOINT, or LONGWATCH_AWS=true, or those of the Longwatch that runs here.')
  .command('check', 'Compares every table with what this version expects; ends with 1 where one differs', {}, check)
  .command('update', 'Adds what is missing: tables, indexes, streams, TTL. Takes nothing away', {}, update)
  .demandCommand(1, 'Say what to do; --help lists it')
  .strict()
  .help()
  .fail((message, error) => {
    const known = error instanceof LabError || error instanceof ConfigError || error instanceof TableMismatchError || (error as NodeJS.ErrnoException | undefined)?.code !== undefined;
    console.error(error === undefined ? message : known ? error.message : error);
    process.exit(1);
  })
  .parse();
