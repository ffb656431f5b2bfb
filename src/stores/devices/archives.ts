import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ArchivedDay, ArchiveState } from '../../domain/devices/archive';
import type { Day } from '../../domain/devices/days';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import { instant, itemType, number, text } from '../items';
import { queryAll, queryPage, readEach } from '../query';
import { type Db, isConditionFailure } from '../dynamodb';
import { transact } from '../transact';
import type { DayStore } from './days';
import { DEVICE_BUCKETS } from './keys';
import { deviceTables } from './tables';

const ARCHIVE = 'device_data';

const archivedItems = itemType(deviceTables, 'Archives', {
  day: text<Day>('Day'),
  generation: number('Generation'),
  state: text<ArchiveState>('State'),
  rows: number('Rows'),
  bytes: number('Bytes'),
  parts: number('Parts'),
  archivedAt: instant('ArchivedAt'),
  since: instant('Since'),
});

/** The archived days, with their states and generations. */
export class ArchiveStore {
  constructor(
    private readonly db: Db,
    private readonly days: DayStore,
  ) {}

  /** Returns the record of a day. Strongly consistent. */
  async find(day: Day): Promise<ArchivedDay | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Archives'),
        Key: { Archive: ARCHIVE, Day: day },
        ConsistentRead: true,
      }),
    );
    return Item && archivedItems.read(Item);
  }

  /**
   * Returns the archived days from one day to another, both included, oldest first. Strongly consistent. Skips
   * malformed records unless `isComplete`: an erasure must not overlook a day.
   * @throws MalformedItem for a malformed record with `isComplete`.
   */
  async *between(from: Day, to: Day, { isComplete = false } = {}): AsyncGenerator<ArchivedDay> {
    const query = {
      table: 'Archives',
      // `Archive` and `Day` are reserved words.
      where: '#archive = :archive AND #day BETWEEN :from AND :to',
      names: { '#archive': 'Archive', '#day': 'Day' },
      values: { ':archive': ARCHIVE, ':from': from, ':to': to },
      consistent: true,
    };
    for await (const items of queryAll(this.db, query))
      yield* readEach(isComplete ? {} : this.db, items, archivedItems.read);
  }

  /** Returns a page of the archived days, newest first. */
  page(page: PageRequest): Promise<Page<ArchivedDay>> {
    const query = {
      table: 'Archives',
      where: '#archive = :archive',
      names: { '#archive': 'Archive' },
      values: { ':archive': ARCHIVE },
      descending: true,
    };
    return queryPage(this.db, { name: 'archives', of: {} }, query, page, archivedItems.read);
  }

  /**
   * Makes a verified manifest the current one of a day, and refuses late readings that were checked against the
   * manifest before. A repeated call changes nothing.
   * @throws LongwatchError `conflict` if another run has archived the day meanwhile, `contention` if late readings keep
   *   the day's generation busy.
   */
  async commit(archived: ArchivedDay): Promise<void> {
    const { day, generation } = archived;
    const before = generation - 1;
    const cancelled = await transact(this.db, {
      manifest: {
        Put: {
          TableName: this.db.table('Archives'),
          Item: archivedItems.write(archived, { Archive: ARCHIVE }),
          // Race: an earlier run that timed out commits late. Only one manifest follows each generation.
          ConditionExpression: before === 0 ? 'attribute_not_exists(Generation)' : 'Generation = :before',
          ...(before > 0 && { ExpressionAttributeValues: { ':before': before } }),
        },
      },
      fences: Array.from({ length: DEVICE_BUCKETS }, (_, bucket) => this.days.moveFence(day, bucket, generation)),
    });
    if (!cancelled) return;
    const { lost, cause } = cancelled;
    if (lost.size === 0)
      throw new LongwatchError('contention', `Late readings of ${day} keep the day busy; try again`, { cause });
    if ((await this.find(day))?.generation === generation) return;
    throw new LongwatchError('conflict', `${day} was archived by another run meanwhile`, { cause });
  }

  /** Changes the state of an archived day. @throws LongwatchError `conflict` if the day has another generation. */
  async move(day: Day, generation: number, state: ArchiveState, now: number): Promise<void> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Archives'),
          Key: { Archive: ARCHIVE, Day: day },
          UpdateExpression: 'SET #state = :state, Since = :now',
          // Race: another run archives the day again meanwhile, so that this change is outdated.
          ConditionExpression: 'Generation = :generation',
          ExpressionAttributeNames: { '#state': 'State' },
          ExpressionAttributeValues: { ':state': state, ':generation': generation, ':now': iso(now) },
        }),
      );
    } catch (error) {
      if (isConditionFailure(error))
        throw new LongwatchError('conflict', `The archive of ${day} no longer has generation ${generation}`, {
          cause: error,
        });
      throw error;
    }
  }
}
