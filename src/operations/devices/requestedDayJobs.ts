import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ArchivedDay } from '../../domain/devices/archive';
import type { Day } from '../../domain/devices/days';
import { LongwatchError } from '../../domain/errors';
import { startEntry } from '../../domain/platform/outbox';
import type { Temporal } from '../../gateways/temporal';
import type { ArchiveStore } from '../../stores/devices/archives';
import type { DeviceStore } from '../../stores/devices/devices';
import { type Db, isConditionFailure } from '../../stores/dynamodb';
import type { OutboxWriter } from '../platform/outbox/outbox';
import {
  ARCHIVE_TYPE,
  archiveWorkflowId,
  DEVICES_QUEUE,
  eraseStart,
  eraseWorkflowId,
  RESTORE_TYPE,
} from '../../domain/devices/workflows';
import type { Archiver } from './archiver';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link RequestedDayJobs} needs. */
export interface RequestedDayJobsParts {
  db: Db;
  archives: ArchiveStore;
  archiver: Pick<Archiver, 'assertDue'>;
  devices: DeviceStore;
  outbox: OutboxWriter;
  temporal: Pick<Temporal, 'client' | 'within'>;
  clock?: Clock;
}

/** Starts jobs that admins request: archiving, restoring and erasing. */
export class RequestedDayJobs {
  private readonly clock: Clock;

  constructor(
    private readonly parts: RequestedDayJobsParts,
    /**
     * `archives`: whether an archive is configured. `eraseAfterMs`: delay of an erasure until every process has dropped
     * its cached state of the device and has finished the writes in progress.
     */
    private readonly settings: { archives: boolean; eraseAfterMs: number },
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Starts the archiving of a day, or of its late readings.
   * @returns the workflow's id
   * @throws LongwatchError `conflict` (no archive, too early, or another job of the day runs), `unavailable` (Temporal
   *   does not answer)
   */
  async archive(day: Day): Promise<string> {
    this.needArchive();
    this.parts.archiver.assertDue(day);
    return this.start(ARCHIVE_TYPE, day, `Archives the readings of ${day}`);
  }

  /**
   * Starts the restore of a day.
   * @returns the workflow's id
   * @throws LongwatchError `notFound` (not archived), `conflict` (no archive, or another job of the day runs),
   *   `unavailable` (Temporal does not answer)
   */
  async restore(day: Day): Promise<string> {
    this.needArchive();
    await this.find(day);
    return this.start(RESTORE_TYPE, day, `Restores the readings of ${day} to the table`);
  }

  /**
   * Returns the record of an archived day.
   * @throws LongwatchError `notFound`
   */
  async find(day: Day): Promise<ArchivedDay> {
    const record = await this.parts.archives.find(day);
    if (!record) throw new LongwatchError('notFound', `${day} is not archived`);
    return record;
  }

  /**
   * Starts the erasure of a device. If one is in progress, returns its id.
   * @returns the workflow's id
   * @throws LongwatchError `contention` if an erasure finished during the request
   */
  async erase(deviceId: string): Promise<string> {
    const now = this.clock.now();
    const start = startEntry(eraseStart(deviceId, now, this.settings.eraseAfterMs), now);
    try {
      await this.parts.db.client.send(
        new TransactWriteCommand({
          TransactItems: [this.parts.devices.beginErasure(deviceId, now), this.parts.outbox.recording(start)],
        }),
      );
      this.parts.outbox.dispatchSoon(start);
      return start.id;
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      const since = (await this.parts.devices.get(deviceId))?.erasingSince;
      if (since === undefined)
        throw new LongwatchError('contention', `Device ${deviceId} was erased just now; try again`, { cause: error });
      return eraseWorkflowId(deviceId, since);
    }
  }

  private needArchive(): void {
    if (!this.settings.archives)
      throw new LongwatchError('conflict', 'No archive is configured: set S3_ENDPOINT, or LONGWATCH_AWS=true');
  }

  private async start(type: string, day: Day, staticSummary: string): Promise<string> {
    const workflowId = archiveWorkflowId(day);
    try {
      await this.parts.temporal.within(() =>
        this.parts.temporal.client.workflow.start(type, {
          workflowId,
          taskQueue: DEVICES_QUEUE,
          args: [{ day }],
          staticSummary,
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        }),
      );
      return workflowId;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError)
        throw new LongwatchError('conflict', `${workflowId} is running already; try again when it has ended`, {
          cause: error,
        });
      if (isGrpcServiceError(error))
        throw new LongwatchError('unavailable', `Temporal did not accept the start of ${workflowId}`, { cause: error });
      throw error;
    }
  }
}
