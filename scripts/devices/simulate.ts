import type { Argv } from 'yargs';
import { limits } from '../../src/domain/devices/limits';
import { apiOptions, ask, resolveApi } from '../fraud/api';
import { withBar } from '../fraud/progress';

const DAY_MS = 86_400_000;

const options = <T>(command: Argv<T>) =>
  apiOptions(command)
    .option('devices', { type: 'number', default: 20, describe: 'Number of devices' })
    .option('days', { type: 'number', default: 3, describe: 'Number of days of readings, until now' })
    .option('every', { type: 'number', default: 300, describe: 'Seconds between two readings of a device' });

/**
 * Returns a reading whose temperature and humidity follow a daily curve with noise. The values differ slightly by
 * device; a window is open at times.
 */
function reading(device: number, at: number): object {
  const hour = (at % DAY_MS) / 3_600_000;
  const wave = Math.sin(((hour - 8) / 24) * 2 * Math.PI);
  const noise = Math.sin(at / 777_777 + device * 13);
  return {
    timestamp: new Date(at).toISOString(),
    metrics: {
      temperature: Number((18 + device / 10 + 5 * wave + noise).toFixed(2)),
      humidity: Number((55 - 10 * wave + 2 * noise).toFixed(1)),
      windowOpen: noise > 0.9,
    },
    status: noise < -0.98 ? 'low-battery' : 'ok',
  };
}

/** The command `devices simulate`. */
export const simulateDevices = (cli: Argv): Argv =>
  cli.command(
    'simulate',
    'Sends readings of simulated devices to the API',
    options,
    async ({ url, key, devices, days, every }) => {
      const api = resolveApi({ url, key });
      const now = Date.now();
      const start = now - days * DAY_MS;
      let sent = 0;
      await withBar('sending', async (show) => {
        for (let device = 0; device < devices; device++) {
          const all: object[] = [];
          for (let at = start - (start % (every * 1000)) + every * 1000; at <= now; at += every * 1000)
            all.push(reading(device, at));
          for (let i = 0; i < all.length; i += limits.batch) {
            const { body } = await ask(api, 'POST', `/v1/devices/sensor-${device + 1}/readings`, {
              body: { readings: all.slice(i, i + limits.batch) },
            });
            sent += Number(body['stored']);
          }
          show((device + 1) / devices);
        }
      });
      console.log(`${sent} readings of ${devices} devices, sensor-1 to sensor-${devices}, are stored.`);
    },
  );
