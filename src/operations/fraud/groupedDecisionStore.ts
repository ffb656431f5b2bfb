import { isPermanent } from '../../domain/errors';
import type { Transaction } from '../../domain/fraud/transaction';
import {
  type DecisionInputs,
  type DecisionStore,
  itemsOf,
  type LostRace,
  type UserWrite,
  WRITE_LIMIT,
} from '../../stores/fraud/decisions';
import { GroupCommit } from '../../timing/groupCommit';

/** Maximum number of transactions whose inputs are read together. One BatchGetItem has at most 100 keys, 3 each. */
const READ_LIMIT = 33;
const MAX_IN_FLIGHT = 4;

/**
 * Reads and writes decisions that come at the same time together. If the write of one user fails, the users that were
 * written together with it are written again, each alone.
 */
export class GroupedDecisionStore {
  private readonly reads: GroupCommit<Transaction, DecisionInputs>;
  private readonly writes: GroupCommit<UserWrite, LostRace | undefined>;

  constructor(private readonly store: Pick<DecisionStore, 'inputsOf' | 'write'>) {
    const shared = { maxInFlight: MAX_IN_FLIGHT, isOfOne: isPermanent };
    this.reads = new GroupCommit((transactions) => store.inputsOf(transactions), { ...shared, limit: READ_LIMIT });
    this.writes = new GroupCommit<UserWrite, LostRace | undefined>((users) => this.writeGroup(users), {
      ...shared,
      limit: WRITE_LIMIT,
      weightOf: itemsOf,
    });
  }

  /** Returns the stored data that a decision depends on. @throws LongwatchError as `DecisionStore.inputsOf` */
  inputs(transaction: Transaction): Promise<DecisionInputs> {
    return this.reads.submit(transaction);
  }

  /**
   * Writes the decisions of one user, all or nothing.
   * @returns undefined if written, otherwise the lost race
   * @throws LongwatchError as `DecisionStore.write`
   */
  write(user: UserWrite): Promise<LostRace | undefined> {
    return this.writes.submit(user);
  }

  private async writeGroup(
    users: readonly UserWrite[],
  ): Promise<(LostRace | undefined | Promise<LostRace | undefined>)[]> {
    const lost = await this.store.write(users);
    return users.map((user, i) => {
      const race = lost?.[i];
      return race === 'bystander' ? this.store.write([user]).then((alone) => alone?.[0]) : race;
    });
  }
}
