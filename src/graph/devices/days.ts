import type { Retention } from '../../domain/devices/retention';
import { ARCHIVE_DUE_ID, ARCHIVE_DUE_TYPE, DEVICES_QUEUE } from '../../domain/devices/workflows';
import { Archiver } from '../../operations/devices/archiver';
import { DueDays } from '../../operations/devices/dueDays';
import { Eraser } from '../../operations/devices/eraser';
import { ExpiredRollups } from '../../operations/devices/expiredRollups';
import { RequestedDayJobs } from '../../operations/devices/requestedDayJobs';
import type { ScheduledWorkflow } from '../capability';
import type { DeviceServices, DeviceStores } from './stores';

/** Builds the jobs that archive, restore, erase and delete the readings of finished days. */
export function buildDays(services: DeviceServices, stores: DeviceStores) {
  const { config, endpoints, db, outbox, temporal, onSkipped } = services;
  const {
    LONGWATCH_ARCHIVE_AFTER_MS: archiveAfterMs,
    LONGWATCH_LATE_WINDOW_MS: lateWindowMs,
    LONGWATCH_ERASE_AFTER_MS: eraseAfterMs,
  } = config;
  const hasArchive = endpoints.s3 !== undefined;
  const archiver = new Archiver({ ...stores, onSkipped: onSkipped('archive') }, { archiveAfterMs });
  const eraser = new Eraser(stores, { lateWindowMs });
  const dueDays = new DueDays(
    { ...stores, onDayLeft: onSkipped('archive') },
    { retention: retentionOf(config), archiveAfterMs, lateWindowMs, archives: hasArchive },
  );
  const expiredRollups = new ExpiredRollups(
    { ...stores, onSkipped: onSkipped('rollup-deletion') },
    retentionOf(config),
  );
  const jobs = new RequestedDayJobs(
    { ...stores, db, archiver, outbox, temporal },
    { archives: hasArchive, eraseAfterMs },
  );
  return { archiver, eraser, dueDays, expiredRollups, jobs };
}

/** Returns how long rollups, archives and restored days are kept. */
export const retentionOf = (config: DeviceServices['config']): Retention => ({
  rollups: {
    '1m': config.LONGWATCH_KEEP_MINUTES_DAYS,
    '1h': config.LONGWATCH_KEEP_HOURS_DAYS,
    '1d': config.LONGWATCH_KEEP_DAYS_DAYS,
  },
  archive: config.LONGWATCH_KEEP_ARCHIVE_DAYS,
  restored: config.LONGWATCH_KEEP_RESTORED_DAYS,
});

/** The scan that archives finished days and deletes expired ones. */
export const archiveDue = (cron: string): ScheduledWorkflow => ({
  scheduleId: ARCHIVE_DUE_ID,
  cron,
  action: {
    workflowType: ARCHIVE_DUE_TYPE,
    workflowId: ARCHIVE_DUE_ID,
    taskQueue: DEVICES_QUEUE,
    args: [],
    staticSummary: 'Archives finished days and deletes expired ones',
  },
});
