import type { Consumer } from '../../src/operations/platform/streams/consumer';
import { readConfig } from '../../src/graph/config';
import { configuredEndpoints } from '../../src/config/endpoints';
import { buildGraph } from '../../src/graph';
import { DEVICES_QUEUE, READINGS_STREAM } from '../../src/domain/devices/workflows';
import { TEST_SECRET } from '../../test/support/secret';
import { everything } from '../../src/graph/capabilities';

/**
 * The reader of readings of a worker, in its own process and without Temporal. `mqtt` listens until it is killed.
 * `kinesis` reads `count` records of one shard, then `count` more, and prints the milliseconds of the second part.
 */
const [path, count] = process.argv.slice(2) as ['mqtt' | 'kinesis', string];

async function main(): Promise<void> {
  const config = readConfig();
  const graph = buildGraph({
    config,
    endpoints: configuredEndpoints(config, {}, everything.needs),
    signingSecret: TEST_SECRET,
    publicUrl: () => 'http://longwatch.test',
  });
  if (path === 'mqtt') {
    graph.startListening([DEVICES_QUEUE]);
    console.log('ready');
    return;
  }
  const consumer = graph.consumers[READINGS_STREAM] as Consumer<never>;
  const [shard] = await consumer.openShards();
  const stop = new AbortController();
  let started = 0;
  await consumer.consume(shard!.shardId, {
    signal: stop.signal,
    forMs: 600_000,
    heartbeat({ records }) {
      if (started === 0 && records >= Number(count)) started = performance.now();
      if (records < 2 * Number(count)) return;
      console.log(`took ${performance.now() - started}`);
      stop.abort();
    },
  });
  await graph.close();
}

void main();
