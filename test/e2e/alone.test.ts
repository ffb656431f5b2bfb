import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { capabilities } from '../../src/graph/capabilities';
import { combine } from '../../src/graph/combinedCapabilities';
import { readAddresses } from '../../src/local/addresses';
import { dynamoDBClient } from '../../src/stores/dynamodb';
import { removeDataDir, startLongwatch } from '../support/stack';

/** A path of each capability that nothing else has. */
const paths: Record<string, string> = {
  fraud: '/v1/transactions',
  sessions: '/v1/sessions',
  carts: '/v1/carts/{userId}',
  leaderboards: '/v1/boards/{gameId}',
  feeds: '/v1/posts',
  devices: '/v1/devices/{deviceId}',
};

it.each(capabilities.map(({ name }) => name))(
  'npm start with LONGWATCH_CAPABILITIES=%s has its routes, tables and parts, and no others',
  async (name) => {
    const { tables, needs } = combine(capabilities.filter((one) => one.name === name));
    const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-alone-'));
    const stack = await startLongwatch({ LONGWATCH_CAPABILITIES: name }, dataDir);
    try {
      const { parts } = readAddresses(dataDir)!;
      const used = {
        model: needs.parts.sagemaker === 'required',
        Kinesis: needs.parts.kinesis === 'embedded',
        S3: needs.parts.s3 === 'embedded',
        MQTT: needs.parts.mqtt === 'embedded',
      };
      expect(Object.keys(parts).sort()).toEqual(
        ['DynamoDB', 'Temporal', ...Object.entries(used).flatMap(([part, uses]) => (uses ? [part] : []))].sort(),
      );
      const client = dynamoDBClient({ region: 'us-east-1', endpoint: parts.DynamoDB, credentials: LOCAL_CREDENTIALS });
      const { TableNames = [] } = await client.send(new ListTablesCommand({}));
      client.destroy();
      expect(TableNames.sort()).toEqual(
        Object.keys(tables)
          .map((table) => `longwatch-${table}`)
          .sort(),
      );
      const document = (await (await fetch(`${stack.url}/openapi.json`)).json()) as { paths: Record<string, object> };
      expect(
        Object.entries(paths)
          .filter(([, path]) => path in document.paths)
          .map(([one]) => one),
      ).toEqual([name]);
      const overview = await fetch(`${stack.url}/v1/overview`, { headers: { authorization: `Bearer ${stack.key}` } });
      expect(
        ((await overview.json()) as { capabilities: { name: string }[] }).capabilities.map((one) => one.name),
      ).toEqual([name]);
    } finally {
      await stack.stop();
      await removeDataDir(dataDir);
    }
  },
);
