import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import { type LastLook, type LookMode, lookModes } from '../../domain/platform/reconciliation';
import type { Db } from '../dynamodb';

/** When the reconciler looked last, and what it found; one item a mode, beside the checkpoints of streams. */
export class LastLookStore {
  constructor(private readonly db: Db) {}

  /** Eventually consistent: a look that goes on from an older one looks at some workflows again. */
  async read(mode: LookMode): Promise<LastLook | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Checkpoints'), Key: key(mode) }),
    );
    return Item && (JSON.parse(Item['LastLook'] as string) as LastLook);
  }

  /** The last look of each mode that there was one of. */
  async readAll(): Promise<Partial<Record<LookMode, LastLook>>> {
    const found = await Promise.all(lookModes.map(async (mode) => [mode, await this.read(mode)] as const));
    return Object.fromEntries(found.filter(([, look]) => look !== undefined));
  }

  /** The last writer stands; two looks at once do the same work. */
  async write(mode: LookMode, look: LastLook): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.db.table('Checkpoints'),
        Item: { ...key(mode), LastLook: JSON.stringify(look) },
      }),
    );
  }
}

const key = (mode: LookMode) => ({ SourceShard: compositeKey('reconciler', mode) });
