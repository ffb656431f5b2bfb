import { LongwatchError } from '../../src/domain/errors';
import type { Db } from '../../src/stores/dynamodb';

export type Fate = 'lives' | 'dies before' | 'dies after';

/** A process that dies just before or just after some of its requests to DynamoDB; whoever asked it gets no answer. */
export function mortalDb(db: Db, fateOf: () => Fate): Db {
  const send = async (...args: Parameters<Db['client']['send']>) => {
    const fate = fateOf();
    const died = () => new LongwatchError('unavailable', `${fate} ${args[0].constructor.name}`);
    if (fate === 'dies before') throw died();
    const result = await db.client.send(...args);
    if (fate === 'dies after') throw died();
    return result;
  };
  return { ...db, client: { send } as unknown as Db['client'] };
}
