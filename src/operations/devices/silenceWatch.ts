import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Alert } from '../../domain/devices/alerts';
import { liveDeadline, watchSilence } from '../../domain/devices/live';
import { isLongwatchError, LongwatchError } from '../../domain/errors';
import { inLanes } from '../../domain/lanes';
import { type Db, isConditionFailure } from '../../stores/dynamodb';
import { DEVICE_BUCKETS } from '../../stores/devices/keys';
import type { Deadline, LiveStore } from '../../stores/devices/live';
import { transact } from '../../stores/transact';
import { IdlePause } from '../platform/idlePause';
import { isOfOne, type OnSkipped } from '../platform/isolate';
import type { AlertRules } from './alertRules';
import type { AlertStarts } from './alertStarts';
import { type Clock, systemClock } from '../../timing/clock';
import { again, retry } from '../../timing/retry';

/** The parts that {@link SilenceWatch} needs. */
export interface SilenceWatchParts {
  db: Db;
  live: LiveStore;
  rules: Pick<AlertRules, 'of'>;
  alerts: AlertStarts;
  /**
   * Pause between two rounds while deadlines are due, in milliseconds. Default 1,000. Up to four times as long while
   * none is due.
   */
  everyMs?: number;
  onFault?(error: unknown): void;
  onSkipped?: OnSkipped;
  clock?: Clock;
}

const PAGE = 100;
/** Number of deadlines that are processed in parallel. */
const LANES = 8;
/** Maximum number of devices that this process skips. */
const MAX_REFUSED = 1_000;

/** Attempts to start a watch while the device reports. */
const ATTEMPTS = 8;

/**
 * Starts the silence watch of a device whose rules have changed, unless the device has never been seen.
 * @throws LongwatchError `contention` if the device reports too often
 */
export async function startSilenceWatch(
  { db, live, clock }: { db: Db; live: LiveStore; clock: Clock },
  deviceId: string,
  alerts: readonly Alert[],
): Promise<void> {
  const exhausted = () =>
    new LongwatchError(
      'contention',
      `Device ${deviceId} reports too often to start its silence watch; send the alerts again`,
    );
  await retry({ attempts: ATTEMPTS, exhausted }, async () => {
    const before = (await live.read([deviceId])).get(deviceId);
    if (!before) return undefined;
    const after = watchSilence(before.live, alerts, clock.now());
    if (after === before.live) return undefined;
    try {
      await db.client.send(new TransactWriteCommand({ TransactItems: live.replace(deviceId, before, after) }));
      return undefined;
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      return again; // Race: the device reports at the same moment.
    }
  });
}

/**
 * Processes the due deadlines of devices. If a device has reported since its deadline was set, moves the deadline: one
 * check per alert period, however often the device reports. Otherwise raises the silence alert.
 */
export class SilenceWatch {
  private readonly clock: Clock;
  private readonly refused = new Set<string>();

  constructor(private readonly parts: SilenceWatchParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Processes due deadlines until the time is over or the signal aborts.
   * @returns the number of alerts that were raised
   */
  async run({
    signal,
    forMs,
    heartbeat,
  }: {
    signal: AbortSignal;
    forMs: number;
    heartbeat(raised: number): void;
  }): Promise<number> {
    const until = this.clock.now() + forMs;
    let raised = 0;
    const pause = new IdlePause(this.parts.everyMs ?? 1_000);
    while (!signal.aborted && this.clock.now() < until) {
      let settled = 0;
      try {
        const seen = await this.processDue(signal);
        raised += seen.raised;
        ({ settled } = seen);
      } catch (error) {
        if (!isLongwatchError(error)) throw error;
        // DynamoDB is unavailable. The deadlines stay due, and the next round processes them.
        this.parts.onFault?.(error);
      }
      heartbeat(raised);
      // When the signal aborts the pause, the loop ends.
      await this.clock.sleep(pause.after(settled), signal).catch(() => undefined);
    }
    return raised;
  }

  /**
   * Processes all due deadlines once.
   * @returns the number of deadlines that were due, and of alerts that were raised
   */
  async processDue(signal?: AbortSignal): Promise<{ settled: number; raised: number }> {
    let settled = 0;
    let raised = 0;
    for (let bucket = 0; bucket < DEVICE_BUCKETS; bucket++) {
      if (signal?.aborted) break;
      for (let due = await this.due(bucket); due.length > 0; due = due.length < PAGE ? [] : await this.due(bucket)) {
        settled += due.length;
        await inLanes(due, LANES, async (one) => {
          // Not `raised += await …`: another lane may change the number during the await.
          const its = await this.processOrSkip(one);
          raised += its;
        });
      }
    }
    return { settled, raised };
  }

  /**
   * Returns due deadlines. Skips devices whose step this process saw refused permanently, until the process restarts.
   * Otherwise a page of them would hide the deadlines after it.
   */
  private async due(bucket: number): Promise<Deadline[]> {
    const due = await this.parts.live.due(bucket, this.clock.now(), PAGE + this.refused.size);
    return due.filter(({ deviceId }) => !this.refused.has(deviceId)).slice(0, PAGE);
  }

  /** Processes a deadline. Skips and reports a device whose step is refused permanently. */
  private async processOrSkip(deadline: Deadline): Promise<number> {
    try {
      return await this.process(deadline);
    } catch (error) {
      if (!isOfOne(error)) throw error;
      if (this.refused.size < MAX_REFUSED) this.refused.add(deadline.deviceId);
      this.parts.onSkipped?.(`the deadline of device ${deadline.deviceId}`, error);
      return 0;
    }
  }

  /**
   * Writes the removal of the deadline, the device's live state and the outbox entry of the notifications in one
   * transaction.
   * @returns the number of events to notify
   */
  private async process(deadline: Deadline): Promise<number> {
    const { db, live, rules, alerts } = this.parts;
    const { deviceId, dueAt } = deadline;
    const [known, defined] = await Promise.all([live.read([deviceId]), rules.of([deviceId])]);
    const before = known.get(deviceId);
    if (!before || before.live.deadline !== dueAt) {
      // The deadline is obsolete: the device was erased, or has another deadline.
      await transact(db, { deadline: live.strikeOff(deadline) });
      return 0; // Removed, or another writer changes it at this moment. Then the next round finds it again.
    }
    const { live: after, events } = liveDeadline(before.live, deviceId, defined.get(deviceId) ?? [], this.clock.now());
    const lost = await transact(db, {
      deadline: live.strikeOff(deadline),
      live: live.replace(deviceId, before, after),
      alerts: alerts.recording(events),
    });
    return lost ? 0 : events.length; // Race: the device reports at the same moment. The next round reads its new state.
  }
}
