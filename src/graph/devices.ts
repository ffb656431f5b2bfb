import { readFileSync } from 'node:fs';
import { deviceActivities } from '../activities/devices';
import { defined } from '../domain/defined';
import { readingChanges } from '../operations/devices/readingChanges';
import { readingStream } from '../operations/devices/readingStream';
import { archiveRoutes } from '../api/devices/archives';
import { deviceAlertRoutes } from '../api/devices/registry';
import { deviceRoutes } from '../api/devices/readings';
import type { Day } from '../domain/devices/days';
import type { Retention } from '../domain/devices/retention';
import { DEFAULT_BUCKET } from '../config/endpoints';
import { DeviceArchive } from '../gateways/devices/deviceArchive';
import { Objects } from '../gateways/s3/objects';
import { MqttListener } from '../gateways/devices/mqtt';
import { kinesisClient, KinesisStream } from '../gateways/streams/kinesisStream';
import { AlertRules } from '../operations/devices/alertRules';
import { AlertStarts } from '../operations/devices/alertStarts';
import { ArchivedReadings } from '../operations/devices/archivedReadings';
import { Archiver } from '../operations/devices/archiver';
import { DayJobs } from '../operations/devices/dayJobs';
import { Eraser } from '../operations/devices/eraser';
import { Housekeeping } from '../operations/devices/housekeeping';
import { Ingest } from '../operations/devices/ingest';
import { MessageRedriver } from '../operations/devices/messageRedriver';
import { IOT_LETTERS, MQTT_LETTERS } from '../operations/devices/messages';
import { iotMessages, iotReadings } from '../operations/devices/iotReadings';
import { mqttReadings } from '../operations/devices/mqttReadings';
import { erasureRows } from '../operations/devices/openErasures';
import { DeviceReads } from '../operations/devices/reads';
import { Registry } from '../operations/devices/registry';
import { RollupCheck } from '../operations/devices/rollupCheck';
import { SilenceWatch } from '../operations/devices/silenceWatch';
import { ArchiveStore } from '../stores/devices/archives';
import { DayStore } from '../stores/devices/days';
import { DeviceStore } from '../stores/devices/devices';
import { withId } from '../stores/devices/keys';
import { LiveStore } from '../stores/devices/live';
import { ReadingStore } from '../stores/devices/readings';
import { RetentionStore } from '../stores/devices/retention';
import { RollupStore } from '../stores/devices/rollups';
import { SentinelStore } from '../stores/devices/sentinels';
import {
  ARCHIVE_DUE_ID,
  ARCHIVE_DUE_TYPE,
  DEVICE_DATA_STREAM,
  DEVICES_QUEUE,
  READINGS_STREAM,
  ROLLUP_CHECK_ID,
  ROLLUP_CHECK_TYPE,
  rollupCheckId,
  type RollupCheckInput,
  SILENCE_ID,
  SILENCE_TYPE,
  DEVICE_ALERTS_TYPE,
  ARCHIVE_TYPE,
  RESTORE_TYPE,
  ERASE_TYPE,
} from '../domain/devices/workflows';
import { tableStream } from './consumers';
import {
  declareCapability,
  type CapabilityInstance,
  type ReadStream,
  type Services,
  type StandingWorkflow,
  readStream,
} from './capability';
import { devicesSettings, devicesRules } from '../config/devices';
import { deviceLifecycles } from '../domain/devices/lifecycles';
import { DeviceMetrics } from '../metrics/devices';
import { deviceGrants } from '../stores/devices/grants';
import { deviceTables } from '../stores/devices/tables';

/** Readings of devices: in, rolled up, watched, archived. */
function buildDevices(services: Services<typeof devicesSettings>, metrics: DeviceMetrics): CapabilityInstance {
  const {
    config,
    endpoints,
    db,
    outbox,
    watchCall,
    notifications,
    onFault,
    onSkipped,
    note,
    logger,
    letters,
    keepLetters,
  } = services;
  const readings = new ReadingStore(db);
  const days = new DayStore(db);
  const devices = new DeviceStore(db);
  const rollups = new RollupStore(db);
  const live = new LiveStore(db);
  const sentinels = new SentinelStore(db);
  const archives = new ArchiveStore(db, days);
  // Where there is no bucket, nothing asks for it.
  const objects = new Objects({ region: config.AWS_REGION, bucket: DEFAULT_BUCKET, ...endpoints.s3, watch: watchCall });
  const archive = new DeviceArchive(objects, { partBytes: config.LONGWATCH_ARCHIVE_FILE_BYTES }, withId);
  const archived = new ArchivedReadings({ archives, archive });
  const rules = new AlertRules(devices, config.LONGWATCH_DEVICE_CACHE_MS);
  const alerts = new AlertStarts(outbox);
  const onReadings = (path: string, result: 'stored' | 'rejected', count: number) => {
    metrics.readings(path, result, count);
    note({ area: 'devices', tone: 'routine', text: `reading ${result} by ${path}`, count });
  };
  const ingest = (path: string) =>
    new Ingest(
      {
        readings,
        days,
        devices,
        archive: archived,
        onReadings: (result, count) => onReadings(path, result, count),
        onRefused: (error) => logger.error({ err: error, path }, 'a reading cannot be stored, ever'),
      },
      {
        lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS,
        archiveAfterMs: config.LONGWATCH_ARCHIVE_AFTER_MS,
        registered: config.LONGWATCH_REGISTERED_DEVICES,
        deviceCacheMs: config.LONGWATCH_DEVICE_CACHE_MS,
      },
    );
  const reads = new DeviceReads({ readings, rollups, live, archived });
  const registry = new Registry({ db, devices, live });
  const silenceWatch = new SilenceWatch({ db, live, rules, alerts, onFault, onSkipped: onSkipped('deadline') });
  const hasArchive = endpoints.s3 !== undefined;
  const archiver = new Archiver(
    { readings, days, archives, archive, onSkipped: onSkipped('archive') },
    { archiveAfterMs: config.LONGWATCH_ARCHIVE_AFTER_MS },
  );
  const eraser = new Eraser(
    { readings, days, devices, rollups, sentinels, archives, archive },
    { lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS },
  );
  const retention: Retention = {
    rollups: {
      '1m': config.LONGWATCH_KEEP_MINUTES_DAYS,
      '1h': config.LONGWATCH_KEEP_HOURS_DAYS,
      '1d': config.LONGWATCH_KEEP_DAYS_DAYS,
    },
    archive: config.LONGWATCH_KEEP_ARCHIVE_DAYS,
    restored: config.LONGWATCH_KEEP_RESTORED_DAYS,
  };
  const housekeeping = new Housekeeping(
    {
      days,
      archives,
      rollups,
      retention: new RetentionStore(db),
      onSkipped: onSkipped('rollup-deletion'),
      onDayLeft: onSkipped('archive'),
    },
    {
      retention,
      archiveAfterMs: config.LONGWATCH_ARCHIVE_AFTER_MS,
      lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS,
      archives: hasArchive,
    },
  );
  const jobs = new DayJobs(
    { db, archives, archiver, devices, outbox, temporal: services.temporal },
    { archives: hasArchive, eraseAfterMs: config.LONGWATCH_ERASE_AFTER_MS },
  );
  const rollupCheck = new RollupCheck(
    {
      days,
      rollups,
      sentinels,
      archives,
      reads,
      onReplaced: (count) => metrics.rollupsReplaced(count),
      onSkipped: onSkipped('rollup'),
    },
    { kept: retention.rollups, lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS },
  );
  const startRollupCheck = async (day: Day): Promise<string> => {
    await rollupCheck.assertComparable(day);
    const workflowId = rollupCheckId(day);
    const input: RollupCheckInput = { days: [day] };
    await services.startOnce({
      type: ROLLUP_CHECK_TYPE,
      workflowId,
      taskQueue: DEVICES_QUEUE,
      args: [input],
      staticSummary: `Compares the rollups of ${day} with its readings`,
    });
    return workflowId;
  };
  const checkRecent: StandingWorkflow = {
    type: ROLLUP_CHECK_TYPE,
    workflowId: ROLLUP_CHECK_ID,
    taskQueue: DEVICES_QUEUE,
    args: [{}],
    staticSummary: 'Puts right the rollups that a gap in the stream left short',
  };
  const { attemptMs } = services;
  return {
    routes: [
      ...deviceRoutes({ ingest: ingest('http'), reads }),
      ...deviceAlertRoutes({ registry }),
      ...archiveRoutes({ archives, jobs, housekeeping, startRollupCheck }),
    ],
    activities: {
      [DEVICES_QUEUE]: deviceActivities({
        notifications,
        silenceWatch,
        archiver,
        eraser,
        housekeeping,
        rollupCheck,
        ...defined({ attemptMs }),
      }),
    },
    rows: [erasureRows(devices, { eraseAfterMs: config.LONGWATCH_ERASE_AFTER_MS })],
    standing: [
      {
        type: SILENCE_TYPE,
        workflowId: SILENCE_ID,
        taskQueue: DEVICES_QUEUE,
        args: [],
        staticSummary: 'Finds devices that ought to have reported',
      },
    ],
    streams: [
      readStream({
        name: DEVICE_DATA_STREAM,
        summary: 'Rollups and alerts from the readings of devices',
        source: tableStream(services, 'DeviceData'),
        handler: readingChanges({ rollups, live, sentinels, rules, alerts }),
        trimmed: () => void services.startOnce(checkRecent).catch(onFault),
      }),
      ...kinesisReadings(services, ingest('kinesis')),
    ],
    handlers: { iot: iotMessages({ take: iotReadings(ingest('iot'), keepLetters), logger }) },
    redrivers: {
      [MQTT_LETTERS]: new MessageRedriver({ ingest: ingest('mqtt'), letters }),
      [IOT_LETTERS]: new MessageRedriver({ ingest: ingest('iot'), letters }),
    },
    listeners: mqttListeners(services, ingest('mqtt')),
    schedules: [
      {
        scheduleId: ARCHIVE_DUE_ID,
        cron: config.LONGWATCH_ARCHIVE_CRON,
        action: {
          workflowType: ARCHIVE_DUE_TYPE,
          workflowId: ARCHIVE_DUE_ID,
          taskQueue: DEVICES_QUEUE,
          args: [],
          staticSummary: 'Archives days that are over, deletes what is past its age',
        },
      },
    ],
    async prepare() {
      // On AWS a bucket is not ours to make: its name is the world's, and so are its settings.
      if (endpoints.s3?.endpoint !== undefined) await objects.ensureBucket();
    },
    close: async () => objects.close(),
  };
}

function kinesisReadings({ config, endpoints, watchCall }: Services, ingest: Ingest): ReadStream[] {
  const { streams, ...kinesis } = endpoints.kinesis ?? {};
  const stream = streams?.['LONGWATCH_READINGS_STREAM'];
  if (stream === undefined) return [];
  return [
    readStream({
      name: READINGS_STREAM,
      summary: 'Stores the readings of the Kinesis stream',
      source: new KinesisStream(kinesisClient({ region: config.AWS_REGION, ...kinesis, watch: watchCall }), stream),
      handler: readingStream(ingest),
    }),
  ];
}

function mqttListeners(
  { config, endpoints, metrics, watchCall, onFault, keepLetters }: Services<typeof devicesSettings>,
  ingest: Ingest,
): NonNullable<CapabilityInstance['listeners']> {
  if (!endpoints.mqtt) return [];
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const [ca, cert, key] = [file(config.MQTT_CA_FILE), file(config.MQTT_CERT_FILE), file(config.MQTT_KEY_FILE)];
  const settings = {
    url: endpoints.mqtt.url,
    clientId: config.MQTT_CLIENT_ID,
    ...defined({ ca, cert, key }),
  };
  const listener = new MqttListener(settings, {
    ...mqttReadings({ ingest, keep: keepLetters, onFault }),
    onConnected: (connected) => metrics.gateways.mqttConnected(connected),
    watch: watchCall,
  });
  return [{ queue: DEVICES_QUEUE, start: () => listener.start(), stop: () => listener.stop() }];
}

/** Data of devices. */
export const devices = declareCapability({
  name: 'devices',
  title: 'Devices',
  tables: deviceTables,
  grants: deviceGrants,
  queues: { [DEVICES_QUEUE]: { concurrentActivities: 20, endless: true, group: 'streams' } },
  lifecycles: deviceLifecycles,
  workflowsPath: () => require.resolve('../workflows/devices'),
  workflowIds: { alert: ['deviceId', 'alertId'], archive: ['date'], erase: ['deviceId'] },
  requestIds: { names: ['deviceId', 'date'] },
  settings: devicesSettings,
  settingRules: devicesRules,
  parts: { kinesis: 'embedded', s3: 'embedded', mqtt: 'embedded' },
  kinesisStreams: [{ setting: 'LONGWATCH_READINGS_STREAM', fallback: 'longwatch-readings', fallbackWith: 'embedded' }],
  functions: [
    { name: 'readings', source: { kinesis: 'LONGWATCH_READINGS_STREAM' }, stream: READINGS_STREAM, uses: ['s3'] },
    { name: 'rollups', source: { table: 'DeviceData' }, stream: DEVICE_DATA_STREAM },
    { name: 'iot', source: 'iot', uses: ['s3'] },
  ],
  metrics: DeviceMetrics,
  page: {
    lead: { label: 'readings stored', of: { label: 'readings stored' } },
    news: {
      [DEVICE_ALERTS_TYPE]: 'Telling of alerts',
      [ARCHIVE_TYPE]: 'The archiving of a day',
      [RESTORE_TYPE]: 'The restoring of a day',
      [ERASE_TYPE]: 'The erasure of a device',
    },
    running: { [ARCHIVE_TYPE]: 'days being archived' },
    sizes: { DeviceData: 'readings in the table' },
    counters: [
      {
        metric: 'longwatch_device_readings_total',
        label: ({ result }) => (result === 'stored' ? 'readings stored' : 'readings refused'),
      },
    ],
  },
  build: buildDevices,
});
