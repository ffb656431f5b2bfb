import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMqtt } from '../../src/local/nodeServer';

export interface TestMqtt {
  url: string;
  stop(): Promise<void>;
}

/** An MQTT broker of its own. */
export async function startTestMqtt(): Promise<TestMqtt> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-mqtt-'));
  const { url, child } = await startMqtt({ dataDir });
  return {
    url,
    async stop() {
      await child.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
