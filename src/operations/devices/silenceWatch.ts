import { setTimeout as sleep } from 'node:timers/promises';
import { liveDeadline } from '../../domain/devices/live';
import { isLongwatchError } from '../../domain/errors';
import { inLanes } from '../../domain/lanes';
import type { Db } from '../../stores/dynamodb';
import { DEVICE_BUCKETS } from '../../stores/devices/keys';
import type { Deadline, LiveStore } from '../../stores/devices/live';
import { transact } from '../../stores/transact';
import { IdlePause } from '../platform/idlePause';
import { isOfOne, type OnSkipped } from '../platform/isolate';
import type { AlertRules } from './alertRules';
import type { AlertStarts } from './alertStarts';

export interface SilenceWatchParts {
  db: Db;
  live: LiveStore;
  rules: Pick<AlertRules, 'of'>;
  alerts: AlertStarts;
  /** Between two looks while deadlines come due; default 1 s. Otherwise up to four times that. */
  everyMs?: number;
  onFault?(error: unknown): void;
  onSkipped?: OnSkipped;
  now?(): number;
}

const PAGE = 100;
/** Deadlines looked at side by side. */
const LANES = 8;
const MAX_REFUSED = 1_000;

/**
 * Looks at deadlines that are due. A device that reported meanwhile gets a later one: it costs a look in the time of
 * its alert, however often it reports. One that did not is silent.
 */
export class SilenceWatch {
  private readonly now: () => number;
  private readonly refused = new Set<string>();

  constructor(private readonly parts: SilenceWatchParts) {
    this.now = parts.now ?? Date.now;
  }

  async run({
    signal,
    forMs,
    heartbeat,
  }: {
    signal: AbortSignal;
    forMs: number;
    heartbeat(raised: number): void;
  }): Promise<number> {
    const until = Date.now() + forMs;
    let raised = 0;
    const pause = new IdlePause(this.parts.everyMs ?? 1_000);
    while (!signal.aborted && Date.now() < until) {
      let settled = 0;
      try {
        const seen = await this.look(signal);
        raised += seen.raised;
        ({ settled } = seen);
      } catch (error) {
        if (!isLongwatchError(error)) throw error;
        this.parts.onFault?.(error); // DynamoDB is away; what is due stays so.
      }
      heartbeat(raised);
      await sleep(pause.after(settled), undefined, { signal }).catch(() => undefined); // Woken: the loop ends.
    }
    return raised;
  }

  /** One look at everything that is due. @returns how many deadlines were, and how many alerts were raised. */
  async look(signal?: AbortSignal): Promise<{ settled: number; raised: number }> {
    let settled = 0;
    let raised = 0;
    for (let bucket = 0; bucket < DEVICE_BUCKETS; bucket++) {
      if (signal?.aborted) break;
      for (let due = await this.due(bucket); due.length > 0; due = due.length < PAGE ? [] : await this.due(bucket)) {
        settled += due.length;
        await inLanes(due, LANES, async (one) => {
          // Not `raised += await …`: another lane may add to it meanwhile.
          const its = await this.settleOrSkip(one);
          raised += its;
        });
      }
    }
    return { settled, raised };
  }

  /**
   * Those that were refused for good in this process wait for its next start: a page of them would hide what is behind
   * it.
   */
  private async due(bucket: number): Promise<Deadline[]> {
    const due = await this.parts.live.due(bucket, this.now(), PAGE + this.refused.size);
    return due.filter(({ deviceId }) => !this.refused.has(deviceId)).slice(0, PAGE);
  }

  /** One device whose deadline is refused for good holds up no other. */
  private async settleOrSkip(deadline: Deadline): Promise<number> {
    try {
      return await this.settle(deadline);
    } catch (error) {
      if (!isOfOne(error)) throw error;
      if (this.refused.size < MAX_REFUSED) this.refused.add(deadline.deviceId);
      this.parts.onSkipped?.(`the deadline of device ${deadline.deviceId}`, error);
      return 0;
    }
  }

  /** The deadline, what is known of the device and what people are told of it: all together or nothing. */
  private async settle(deadline: Deadline): Promise<number> {
    const { db, live, rules, alerts } = this.parts;
    const { deviceId, dueAt } = deadline;
    const [known, defined] = await Promise.all([live.read([deviceId]), rules.of([deviceId])]);
    const before = known.get(deviceId);
    if (!before || before.live.deadline !== dueAt) {
      // Nobody waits for it any more: the device was erased, or it has another one.
      await transact(db, { deadline: live.strikeOff(deadline) });
      return 0; // Struck off, or another writer has it at this moment: then the next look finds it again.
    }
    const { live: after, events } = liveDeadline(before.live, deviceId, defined.get(deviceId) ?? [], this.now());
    const lost = await transact(db, {
      deadline: live.strikeOff(deadline),
      live: live.replace(deviceId, before, after),
      alerts: alerts.owe(events),
    });
    return lost ? 0 : events.length; // Race: the device reports at this very moment; the next look sees what it wrote.
  }
}
