import { deviceActivities } from '../activities/devices';
import { readingChanges } from '../activities/devices/readingChanges';
import { deviceAlertRoutes } from '../api/deviceAlerts';
import { deviceRoutes } from '../api/devices';
import { DeviceArchive } from '../gateways/archive/deviceArchive';
import { Objects } from '../gateways/archive/objects';
import { AlertRules } from '../operations/devices/alertRules';
import { AlertStarts } from '../operations/devices/alertStarts';
import { ArchivedReadings } from '../operations/devices/archivedReadings';
import { Ingest } from '../operations/devices/ingest';
import { DeviceReads } from '../operations/devices/reads';
import { Registry } from '../operations/devices/registry';
import { SilenceWatch } from '../operations/devices/silenceWatch';
import { ArchiveStore } from '../stores/devices/archives';
import { DayStore } from '../stores/devices/days';
import { DeviceStore } from '../stores/devices/devices';
import { LiveStore } from '../stores/devices/live';
import { ReadingStore } from '../stores/devices/readings';
import { RollupStore } from '../stores/devices/rollups';
import { SentinelStore } from '../stores/devices/sentinels';
import { DEVICE_DATA_STREAM, DEVICES_QUEUE, SILENCE_ID, SILENCE_TYPE } from '../workflows/devices/declarations';
import { tableStream } from './consumers';
import { type Part, readStream, type Shared } from './part';

/** Readings of devices: in, rolled up, watched, archived. */
export function buildDevices(shared: Shared): Part {
  const { config, endpoints, db, ledger, metrics, notifications, onFault } = shared;
  const readings = new ReadingStore(db);
  const days = new DayStore(db);
  const devices = new DeviceStore(db);
  const rollups = new RollupStore(db);
  const live = new LiveStore(db);
  const sentinels = new SentinelStore(db);
  const archives = new ArchiveStore(db, days);
  const objects = new Objects({ region: config.AWS_REGION, bucket: config.LONGWATCH_ARCHIVE_BUCKET, ...endpoints.s3 });
  const archive = new DeviceArchive(objects, { partBytes: config.LONGWATCH_ARCHIVE_FILE_BYTES });
  const archived = new ArchivedReadings({ archives, archive });
  const rules = new AlertRules(devices, config.LONGWATCH_DEVICE_CACHE_MS);
  const alerts = new AlertStarts(ledger);
  const ingest = (path: string) =>
    new Ingest(
      { readings, days, devices, archive: archived, onReadings: (result, count) => metrics.readings(path, result, count) },
      {
        lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS,
        archiveAfterMs: config.LONGWATCH_ARCHIVE_AFTER_MS,
        registered: config.LONGWATCH_REGISTERED_DEVICES,
        deviceCacheMs: config.LONGWATCH_DEVICE_CACHE_MS,
      },
    );
  const reads = new DeviceReads({ readings, rollups, live, archived });
  const registry = new Registry({ db, devices, live });
  const silenceWatch = new SilenceWatch({ db, live, rules, alerts, onFault });
  return {
    routes: [...deviceRoutes({ ingest: ingest('http'), reads }), ...deviceAlertRoutes({ registry })],
    activities: { [DEVICES_QUEUE]: deviceActivities({ notifications, silenceWatch, ...(shared.attemptMs !== undefined && { attemptMs: shared.attemptMs }) }) },
    standing: [{ type: SILENCE_TYPE, workflowId: SILENCE_ID, taskQueue: DEVICES_QUEUE, args: [], staticSummary: 'Finds devices that ought to have reported' }],
    streams: [
      readStream({
        name: DEVICE_DATA_STREAM,
        summary: 'Rollups and alerts from the readings of devices',
        source: tableStream(shared, 'DeviceData'),
        handler: readingChanges({ rollups, live, sentinels, rules, alerts }),
      }),
    ],
    async prepare() {
      // On AWS a bucket is not ours to make: its name is the world's, and so are its settings.
      if (endpoints.s3?.endpoint !== undefined) await objects.ensureBucket();
    },
    close: () => objects.close(),
  };
}
