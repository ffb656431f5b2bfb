import { devicesRules, devicesSettings } from '../config/devices';
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
import { deviceGrants } from '../stores/devices/grants';
import { deviceTables } from '../stores/devices/tables';
import { declareCapability } from './capability';
import type * as built from './devices/build';

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
  build: (services, metrics) => (require('./devices/build') as typeof built).buildDevices(services, metrics),
});
