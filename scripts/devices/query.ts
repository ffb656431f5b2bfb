import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import Table from 'cli-table3';
import type { Argv } from 'yargs';
import { readConfig } from '../../src/graph/config';
import { isDay } from '../../src/domain/devices/days';
import { LabError } from '../../src/lab/errors';
import { fetchArchive } from './archiveFiles';

const asDay = (option: string) => (text: string) => {
  if (!isDay(text)) throw new LabError(`--${option} must be a day like 2026-01-31, found "${text}"`);
  return text;
};

const options = <T>(command: Argv<T>) =>
  command
    .positional('sql', {
      type: 'string',
      demandOption: true,
      describe: 'Query in DuckDB’s SQL, over the views readings and metrics',
    })
    .option('from', {
      type: 'string',
      default: '0000-01-01',
      coerce: (text: string) => (text === '0000-01-01' ? text : asDay('from')(text)),
      describe: 'First archived day to read',
    })
    .option('to', {
      type: 'string',
      default: '9999-12-31',
      coerce: asDay('to'),
      describe: 'Last archived day to read',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object per row instead of a table' });

const quoted = (file: string): string => `'${file.replaceAll("'", "''")}'`;

/** Returns the statements that create the views `readings` and `metrics` over the files. */
export const views = (files: readonly string[]): string[] => [
  files.length === 0
    ? 'CREATE VIEW readings AS SELECT NULL::VARCHAR device_id, NULL::TIMESTAMPTZ ts, NULL::VARCHAR status, ' +
      'NULL::DOUBLE latitude, NULL::DOUBLE longitude, NULL::JSON metrics, NULL::DATE dt LIMIT 0'
    : `CREATE VIEW readings AS
         SELECT device_id, ts, status, latitude, longitude, metrics::JSON AS metrics, dt::DATE AS dt
         FROM read_parquet([${files.map(quoted).join(', ')}], hive_partitioning = true)`,
  // One row per metric: `value` has numbers and booleans (as 0 and 1), `text` has texts.
  `CREATE VIEW metrics AS SELECT device_id, ts, dt, name,
     CASE json_type(item)
       WHEN 'BOOLEAN' THEN CASE item::VARCHAR WHEN 'true' THEN 1.0 ELSE 0.0 END
       WHEN 'VARCHAR' THEN NULL
       ELSE TRY_CAST(item AS DOUBLE)
     END AS value,
     CASE json_type(item) WHEN 'VARCHAR' THEN item ->> '$' END AS text
   FROM (SELECT device_id, ts, dt, unnest(json_keys(metrics)) AS name, metrics FROM readings) AS named,
     LATERAL (SELECT json_extract(metrics, '$."' || name || '"') AS item) AS found`,
];

/** The command `devices query`. */
export const query = (cli: Argv): Argv =>
  cli.command(
    'query <sql>',
    'SQL over the archive, with the views readings (one row per reading) and metrics (one row per metric)',
    options,
    async ({ sql, from, to, json }) => {
      const folder = join(readConfig().LONGWATCH_DATA_DIR, 'archive-files');
      const files = await fetchArchive(folder, { from, to }, (name, bytes) =>
        process.stderr.write(`fetching ${name}, ${bytes} bytes\n`),
      );
      const connection = await open();
      for (const view of views(files)) await connection.run(view);
      const result = await connection.runAndReadAll(sql).catch((error: unknown) => {
        throw new LabError(error instanceof Error ? error.message : String(error));
      });
      const names = result.columnNames();
      if (json) for (const row of result.getRowObjectsJson()) console.log(JSON.stringify(row));
      else {
        const table = new Table({ head: names, style: { head: [], border: [] } });
        for (const row of result.getRowsJson())
          table.push(
            row.map((cell) => (cell === null ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell))),
          );
        console.log(table.toString());
      }
      connection.closeSync();
    },
  );

async function open(): Promise<DuckDBConnection> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((error: unknown) => {
    throw new LabError(
      'DuckDB is not installed here; npm ci without --omit=optional installs it ' +
        `(${error instanceof Error ? error.message : String(error)})`,
    );
  });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run("SET TimeZone = 'UTC'");
  return connection;
}
