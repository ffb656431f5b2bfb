import { Context } from '@temporalio/activity';
import type { AlertEvent } from '../../domain/devices/alerts';
import { alertLetter } from '../../domain/devices/letters';
import type { ArchiveFile } from '../../domain/devices/archive';
import type { Day } from '../../domain/devices/days';
import type { Archiver, StepContext } from '../../operations/devices/archiver';
import type { DueDays } from '../../operations/devices/dueDays';
import type { Eraser } from '../../operations/devices/eraser';
import type { ExpiredRollups } from '../../operations/devices/expiredRollups';
import type { RollupCheck } from '../../operations/devices/rollupCheck';
import type { SilenceWatch } from '../../operations/devices/silenceWatch';
import { type Notifications, sendUnlessUndeliverable } from '../../operations/platform/notifications';
import { asFailure } from '../failures';
import { within } from '../../timing/deadline';
import type { DeviceActivities } from './types';
import { type Clock, systemClock } from '../../timing/clock';

/** The operations that the activities of devices use. */
export interface DeviceActivityParts {
  notifications: Notifications;
  silenceWatch: SilenceWatch;
  archiver: Archiver;
  eraser: Eraser;
  dueDays: DueDays;
  expiredRollups: ExpiredRollups;
  rollupCheck: RollupCheck;
  /** Duration of one attempt of a long activity in milliseconds; default an hour. */
  attemptMs?: number;
  clock?: Clock;
}

const HOUR_MS = 60 * 60_000;
/** Interval of checking whether the stream's reader has passed the sentinels. */
const CHECK_EVERY_MS = 500;

/** Returns the activities of devices. */
export function deviceActivities(parts: DeviceActivityParts): DeviceActivities {
  return {
    ...alertActivities(parts),
    ...archiveActivities(parts),
    ...restoreActivities(parts),
    ...dueDayActivities(parts),
    ...rollupActivities(parts),
    ...erasureActivities(parts),
  };
}

const alertActivities = (parts: DeviceActivityParts) =>
  ({
    tellAlerts: (events) => asFailure(() => tellAlerts(parts, events)),
    watchSilence() {
      const { silenceWatch, attemptMs = HOUR_MS } = parts;
      return heartbeating(({ signal, alive }) =>
        within(signal, attemptMs, (stop) => silenceWatch.run({ signal: stop, forMs: attemptMs, heartbeat: alive })),
      );
    },
  }) satisfies Partial<DeviceActivities>;

const archiveActivities = ({ archiver }: DeviceActivityParts) =>
  ({
    planArchive: (day) => heartbeating(() => archiver.plan(day)),
    writeLane: (plan, lane) => heartbeating((work) => archiver.writeLane(plan, lane, work)),
    writeManifest: (plan, written) =>
      heartbeating(async () => {
        const { rows, parts } = await archiver.writeManifest(plan, written);
        return { rows, parts: parts.length };
      }),
    verifyPart: (day, part) => heartbeating((work) => archiver.verifyPart(day, part, work)),
    commitArchive: (plan) => heartbeating(async () => void (await archiver.commit(plan, 'deleting'))),
    partsToDelete: (plan) => heartbeating(() => archiver.partsToDelete(plan)),
    deletePart: (day, part) => heartbeating((work) => archiver.deletePart(day, part, work)),
    finishArchive: (day, generation) => heartbeating(() => archiver.finish(day, generation)),
  }) satisfies Partial<DeviceActivities>;

const restoreActivities = ({ archiver }: DeviceActivityParts) =>
  ({
    beginRestore: (day) => heartbeating(() => archiver.beginRestore(day)),
    restorePart: (day, part) => heartbeating((work) => archiver.restorePart(day, part, work)),
    finishRestore: (day, generation) => heartbeating(() => archiver.finishRestore(day, generation)),
    expireDay: (day) => heartbeating(() => archiver.expire(day)),
  }) satisfies Partial<DeviceActivities>;

const dueDayActivities = ({ dueDays }: DeviceActivityParts) =>
  ({
    dueDays: () => heartbeating(() => dueDays.find()),
  }) satisfies Partial<DeviceActivities>;

const rollupActivities = ({ expiredRollups, rollupCheck }: DeviceActivityParts) =>
  ({
    deleteRollups: () =>
      heartbeating(async (work) => {
        const done = await expiredRollups.delete(work);
        return done.skipped === 0 ? done.days : done;
      }),
    daysToCheck: () => heartbeating(async () => rollupCheck.recentDays()),
    checkRollups: (day, bucket) => heartbeating((work) => rollupCheck.check(day, bucket, work)),
  }) satisfies Partial<DeviceActivities>;

const erasureActivities = ({ eraser, clock = systemClock }: DeviceActivityParts) =>
  ({
    daysOfDevice: (deviceId) => heartbeating(() => eraser.days(deviceId)),
    eraseRows: (day, deviceId, mark) => heartbeating((work) => eraser.eraseRows(day, deviceId, mark, work)),
    rewriteDay: (day, deviceId) => heartbeating((work) => rewriteDay(eraser, day, deviceId, work)),
    awaitMarks: (deviceId, days, mark) =>
      heartbeating(async ({ signal, alive }) => {
        for (let looks = 1; !(await eraser.isRead(deviceId, days, mark)); looks++) {
          alive(looks);
          await clock.sleep(CHECK_EVERY_MS, signal);
        }
      }),
    eraseRest: (deviceId, days, mark) => heartbeating((work) => eraser.eraseRest(deviceId, days, mark, work)),
    finishErasure: (deviceId) => heartbeating(() => eraser.finish(deviceId)),
  }) satisfies Partial<DeviceActivities>;

/** Rewrites the files of a day without a device. The manifest changes once, after all new files are written. */
async function rewriteDay(
  eraser: Eraser,
  day: Day,
  deviceId: string,
  work: StepContext,
): Promise<{ rewritten: number }> {
  const { generation, rewrites } = await eraser.planRewrite(day, deviceId);
  const written: ArchiveFile[] = [];
  for (const rewrite of rewrites) {
    const part = await eraser.rewrite(day, deviceId, rewrite, work);
    if (part) written.push(part);
  }
  await eraser.commit(day, generation, rewrites, written);
  return { rewritten: rewrites.length };
}

/**
 * Runs an activity's work with a heartbeat every 3 seconds, so that a long wait for one answer is not taken for a
 * failed worker. On a shutdown the work stops and the attempt fails, so that another worker continues at once.
 */
async function heartbeating<T>(work: (work: StepContext) => Promise<T>): Promise<T> {
  const context = Context.current();
  let done = 0;
  const beat = setInterval(() => context.heartbeat(done), 3_000);
  try {
    const result = await asFailure(() =>
      work({
        signal: context.cancellationSignal,
        alive(count) {
          done = count;
          context.heartbeat(count);
        },
      }),
    );
    context.cancellationSignal.throwIfAborted();
    return result;
  } finally {
    clearInterval(beat);
  }
}

async function tellAlerts({ notifications }: DeviceActivityParts, events: readonly AlertEvent[]): Promise<void> {
  for (const event of events) {
    await sendUnlessUndeliverable(notifications, alertLetter(event));
    Context.current().heartbeat();
  }
}
