import { deviceActivities } from '../activities/devices';
import { archiveRoutes } from '../api/devices/archives';
import { deviceRoutes } from '../api/devices/readings';
import { deviceAlertRoutes } from '../api/devices/registry';
import { devicesRules, devicesSettings } from '../config/devices';
import { defined } from '../domain/defined';
import { deviceLifecycles } from '../domain/devices/lifecycles';
import {
  ARCHIVE_TYPE,
  DEVICE_ALERTS_TYPE,
  DEVICE_DATA_STREAM,
  DEVICES_QUEUE,
  ERASE_TYPE,
  READINGS_STREAM,
  RESTORE_TYPE,
} from '../domain/devices/workflows';
import { DeviceMetrics } from '../metrics/devices';
import { erasureRows } from '../operations/devices/openErasures';
import { DeviceReads } from '../operations/devices/reads';
import { Registry } from '../operations/devices/registry';
import { deviceGrants } from '../stores/devices/grants';
import { deviceTables } from '../stores/devices/tables';
import { type CapabilityInstance, declareCapability } from './capability';
import { buildAlerts, silenceWatchWorkflow } from './devices/alerts';
import { buildIntake } from './devices/intake';
import { archiveDue, buildDays } from './devices/days';
import { buildRollups } from './devices/rollups';
import { type DeviceServices, openStores } from './devices/stores';

/** Builds the capability: ingest, rollups, alerts and archive of readings. */
function buildDevices(services: DeviceServices, metrics: DeviceMetrics): CapabilityInstance {
  const { config, endpoints, db, notifications, attemptMs } = services;
  const stores = openStores(services);
  const reads = new DeviceReads(stores);
  const intake = buildIntake(services, metrics, stores);
  const alerts = buildAlerts(services, stores);
  const rollups = buildRollups(services, metrics, { stores, reads, alerts });
  const { archiver, eraser, housekeeping, jobs } = buildDays(services, stores);
  return {
    routes: [
      ...deviceRoutes({ ingest: intake.ingest, reads }),
      ...deviceAlertRoutes({ registry: new Registry({ db, ...stores }) }),
      ...archiveRoutes({ archives: stores.archives, jobs, housekeeping, startRollupCheck: rollups.startCheck }),
    ],
    activities: {
      [DEVICES_QUEUE]: deviceActivities({
        notifications,
        silenceWatch: alerts.silenceWatch,
        archiver,
        eraser,
        housekeeping,
        rollupCheck: rollups.check,
        ...defined({ attemptMs }),
      }),
    },
    rows: [erasureRows(stores.devices, { eraseAfterMs: config.LONGWATCH_ERASE_AFTER_MS })],
    standing: [silenceWatchWorkflow],
    streams: [rollups.stream, ...intake.streams],
    handlers: intake.handlers,
    redrivers: intake.redrivers,
    listeners: intake.listeners,
    schedules: [archiveDue(config.LONGWATCH_ARCHIVE_CRON)],
    async prepare() {
      // Only create a local bucket. On AWS, bucket names are global and the operator manages the bucket's settings.
      if (endpoints.s3?.endpoint !== undefined) await stores.objects.ensureBucket();
    },
    close: async () => stores.objects.close(),
  };
}

/** The capability `devices`: readings, rollups, alerts and archive. */
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
