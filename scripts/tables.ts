import { ConfigError } from '../src/config';
import { readConfig } from '../src/graph/config';
import { selectCapabilities } from '../src/graph/selectCapabilities';
import { updateTables } from '../src/stores/tableChanges';
import { checkTables, TableMismatchError } from '../src/stores/tableCheck';
import { combine } from '../src/graph/combinedCapabilities';
import { runCommand } from './commandLine';
import { openTables } from './fraud/parts';

/** The tables of the chosen capabilities. */
const chosenTables = () => combine(selectCapabilities(process.env['LONGWATCH_CAPABILITIES'])).tables;
const allMatch = (tables: object): string =>
  `All ${Object.keys(tables).length} tables match what this version expects.`;
const verb = {
  create: 'creating',
  index: 'building the index of',
  stream: 'enabling the stream of',
  ttl: 'enabling TTL of',
} as const;

async function check(): Promise<void> {
  const tables = chosenTables();
  const { db, close } = openTables();
  try {
    const differences = await checkTables(db.client, readConfig().LONGWATCH_TABLE_PREFIX, tables);
    if (differences.length > 0) throw new TableMismatchError(differences);
    console.log(allMatch(tables));
  } finally {
    close();
  }
}

async function update(): Promise<void> {
  const tables = chosenTables();
  const { db, close } = openTables();
  try {
    let begun: number | undefined;
    const ended = () => begun !== undefined && console.log(`  done in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    const left = await updateTables(db.client, readConfig().LONGWATCH_TABLE_PREFIX, tables, (difference) => {
      ended();
      begun = Date.now();
      const { update: kind = 'create', physicalName, index } = difference;
      console.log(`${verb[kind]} ${physicalName}${index === undefined ? '' : ` (${index})`}`);
    });
    ended();
    if (left.length > 0) throw new TableMismatchError(left);
    console.log(allMatch(tables));
  } finally {
    close();
  }
}

runCommand(
  {
    name: 'tables',
    about:
      'Compares the DynamoDB tables with what this version expects, and adds what is missing. The tables are those ' +
      'of DYNAMODB_ENDPOINT, or of AWS with LONGWATCH_AWS=true, or of the Longwatch on this machine.',
    examples: [
      ['check', 'lists the differences'],
      ['update', 'before the processes of a new version start'],
    ],
    expected: [ConfigError, TableMismatchError],
  },
  [
    (cli) =>
      cli.command(
        'check',
        'Compares every table with what this version expects; exits with 1 if one differs',
        {},
        check,
      ),
    (cli) =>
      cli.command('update', 'Creates missing tables, indexes and streams and enables TTL; deletes nothing', {}, update),
  ],
);
