import { readConfig } from '../../src/graph/config';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { kinesisClient } from '../../src/gateways/streams/kinesisStream';
import { LabError } from '../../src/lab/errors';
import { readAddresses } from '../../src/local/addresses';
import { type Db, dynamoDBClient, openDb } from '../../src/stores/dynamodb';
import { everything } from '../../src/graph/capabilities';

const HOW = 'Start Longwatch with npm start (LONGWATCH_DATA_DIR is its data folder)';
const credentials = () => (process.env['AWS_ACCESS_KEY_ID'] ? {} : { credentials: LOCAL_CREDENTIALS });

/** Returns the address of the API of the Longwatch that runs on this machine. @throws LabError if none runs. */
export function foundApi(): string {
  const api = readAddresses(readConfig().LONGWATCH_DATA_DIR)?.api;
  if (api === undefined) throw new LabError(`The address of the API is not known. ${HOW}, or set --url`);
  return api;
}

/**
 * Opens the tables: from the environment, or of the Longwatch that runs on this machine.
 * @throws LabError if neither is known.
 */
export function openTables(): { db: Db; close(): void } {
  const config = readConfig();
  const found = config.DYNAMODB_ENDPOINT ?? readAddresses(config.LONGWATCH_DATA_DIR)?.parts.DynamoDB;
  if (found === undefined && !config.LONGWATCH_AWS)
    throw new LabError(`The address of DynamoDB is not known. ${HOW}, or set DYNAMODB_ENDPOINT, or LONGWATCH_AWS=true`);
  const isAws = config.LONGWATCH_AWS || found === 'AWS';
  const client = dynamoDBClient({
    region: config.AWS_REGION,
    ...(!isAws && { endpoint: found as string, ...credentials() }),
  });
  return { db: openDb(client, config.LONGWATCH_TABLE_PREFIX, everything.tables), close: () => client.destroy() };
}

/**
 * Opens the stream of payments: from the environment, or of the Longwatch that runs on this machine.
 * @param name the stream's name; empty for the configured one.
 * @throws LabError if neither is known.
 */
export function openStream(name: string): { client: ReturnType<typeof kinesisClient>; name: string } {
  const config = readConfig();
  const [endpoint, runs] = (readAddresses(config.LONGWATCH_DATA_DIR)?.parts.Kinesis ?? '').split(' ');
  const found = config.KINESIS_ENDPOINT ?? (endpoint || undefined);
  if (found === undefined && !config.LONGWATCH_AWS)
    throw new LabError(`The address of Kinesis is not known. ${HOW}, or set KINESIS_ENDPOINT, or LONGWATCH_AWS=true`);
  const isAws = config.LONGWATCH_AWS || found === 'AWS';
  return {
    client: kinesisClient({
      region: config.AWS_REGION,
      ...(!isAws && { endpoint: found as string, ...credentials() }),
    }),
    name: name || (config.LONGWATCH_TRANSACTIONS_STREAM ?? runs ?? 'longwatch-transactions'),
  };
}
