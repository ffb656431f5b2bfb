import type { Demo } from './scene';

const DAY_MS = 86_400_000;
const DEVICES = 4;
const EVERY_MS = 10 * 60_000;

const demonstration: Demo = {
  name: 'devices',
  says: 'Readings: rollups, alerts, and an archive in Parquet',
  seconds: 20,
  async run(scene) {
    const names = Array.from({ length: DEVICES }, (_, i) => `demo-${scene.run}-${i + 1}`);
    const first = names[0] as string;
    // Three days ago: a finished day, which can be archived.
    const day = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS);
    const date = day.toISOString().slice(0, 10);
    const readings = Array.from({ length: DAY_MS / EVERY_MS }, (_, i) => ({
      timestamp: new Date(day.getTime() + i * EVERY_MS).toISOString(),
      metrics: { temperature: Number((20 + 5 * Math.sin(i / 23)).toFixed(2)) },
    }));
    const range = `from=${day.toISOString()}&to=${new Date(day.getTime() + DAY_MS).toISOString()}`;

    // Set before the first reading, because each process caches a device's alert rules for half a minute.
    scene.say(`An alert above 30 degrees on ${first}.`);
    await scene.call('PUT', `/v1/devices/${first}/alerts`, {
      headers: { 'if-match': '"0"' },
      body: { alerts: [{ id: 'hot', kind: 'threshold', metric: 'temperature', direction: 'above', value: 30 }] },
    });

    scene.say(
      `A day of ${readings.length} readings from each of ${DEVICES} devices, ${date}; one batch is sent twice.`,
    );
    await scene.each(
      'sending',
      names,
      async (name) => void (await scene.call('POST', `/v1/devices/${name}/readings`, { body: { readings } })),
      2,
    );
    await scene.show(
      'POST',
      `/v1/devices/${first}/readings`,
      { body: { readings } },
      ({ body }) => `stored ${body.stored}: stored before, and counted once`,
    );
    await scene.until(
      'the stream reader has updated the rollups',
      () => scene.call('GET', `/v1/devices/${first}/readings?resolution=1d&${range}`),
      ({ body }) => body.items[0]?.metrics?.temperature?.count === readings.length,
      { aboutSeconds: 2 },
    );
    await scene.show('GET', `/v1/devices/${first}/readings?resolution=1d&${range}`, {}, ({ body }) =>
      JSON.stringify(body.items[0].metrics.temperature),
    );

    scene.say('A reading of 35 degrees.');
    await scene.call('POST', `/v1/devices/${first}/readings`, {
      body: { readings: [{ timestamp: new Date().toISOString(), metrics: { temperature: 35 } }] },
    });
    const told = await scene.until(
      'the team gets the alert',
      () => scene.call('GET', '/v1/notifications?recipient=team/devices&limit=50'),
      ({ body }) => body.items.some(({ id }: { id: string }) => id.startsWith(`alert/${first}/hot`)),
      { aboutSeconds: 3, atMostSeconds: 90 },
    );
    console.log(`    ${told.body.items.find(({ id }: { id: string }) => id.startsWith(`alert/${first}/hot`)).subject}`);

    scene.say(
      'Longwatch archives the day to Parquet: it writes and verifies the files, and only then deletes the rows.',
    );
    const { body: begun } = await scene.show(
      'POST',
      `/v1/archives/${date}`,
      { expect: [202, 409] },
      ({ body }) => body.workflowId ?? body.detail,
    );
    if (begun.workflowId) scene.look('The workflow of the archive:', begun.workflowId);
    const archived = await scene.until(
      'the day is archived',
      () => scene.call('GET', `/v1/archives/${date}`, { expect: [200, 404] }),
      ({ status, body }) => status === 200 && body.state === 'archived' && body.rows >= readings.length * DEVICES,
      { aboutSeconds: 6 },
    );
    console.log(`    ${archived.body.rows} rows in ${archived.body.files} file(s), ${archived.body.bytes} bytes`);
    await scene.show(
      'GET',
      `/v1/devices/${first}/readings?${range}&limit=200`,
      {},
      ({ body }) => `${body.items.length} readings, now from the archive`,
    );
    return (
      `${readings.length * DEVICES} readings stored once, rollups, one alert sent, the day in Parquet and still ` +
      'readable'
    );
  },
};

export const demo = (): Demo => demonstration;
