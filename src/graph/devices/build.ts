import { deviceActivities } from '../../activities/devices';
import { archiveRoutes } from '../../api/devices/archives';
import { deviceRoutes } from '../../api/devices/readings';
import { deviceAlertRoutes } from '../../api/devices/registry';
import { defined } from '../../domain/defined';
import { DEVICES_QUEUE } from '../../domain/devices/workflows';
import type { DeviceMetrics } from '../../metrics/devices';
import { erasureRows } from '../../operations/devices/reconciledRows';
import { DeviceReads } from '../../operations/devices/reads';
import { Registry } from '../../operations/devices/registry';
import type { CapabilityInstance } from '../capability';
import { buildAlerts, silenceWatchWorkflow } from './alerts';
import { buildIntake } from './intake';
import { archiveDue, buildDays } from './days';
import { buildRollups } from './rollups';
import { type DeviceServices, openStores } from './stores';

/** Builds the capability: ingest, rollups, alerts and archive of readings. */
export function buildDevices(services: DeviceServices, metrics: DeviceMetrics): CapabilityInstance {
  const { config, endpoints, db, notifications, attemptMs } = services;
  const stores = openStores(services);
  const reads = new DeviceReads(stores);
  const intake = buildIntake(services, metrics, stores);
  const alerts = buildAlerts(services, stores);
  const rollups = buildRollups(services, metrics, { stores, reads, alerts });
  const { archiver, eraser, dueDays, expiredRollups, jobs } = buildDays(services, stores);
  return {
    routes: [
      ...deviceRoutes({ ingest: intake.ingest, reads }),
      ...deviceAlertRoutes({ registry: new Registry({ db, ...stores }) }),
      ...archiveRoutes({ archives: stores.archives, jobs, expiredRollups, startRollupCheck: rollups.startCheck }),
    ],
    activities: {
      [DEVICES_QUEUE]: deviceActivities({
        notifications,
        silenceWatch: alerts.silenceWatch,
        archiver,
        eraser,
        dueDays,
        expiredRollups,
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
