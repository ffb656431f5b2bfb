import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import { iso } from '../../domain/ids';
import type { Db } from '../../stores/dynamodb';
import type { Challenger, ChallengerStore, LiveModelStore, RuleStore } from '../../stores/fraud/rules';
import type { Difference, ShadowCounts, ChallengerDifferenceStore } from '../../stores/fraud/challengerDifferences';
import type { Page, PageRequest } from '../../stores/cursor';
import { type Clock, systemClock } from '../../timing/clock';
import { type Putting, putAll, type Stored } from '../../stores/versioned';

/** The parts that {@link Challengers} needs. */
export interface ChallengerParts {
  db: Db;
  challengers: ChallengerStore;
  rules: RuleStore;
  models: LiveModelStore;
  shadow: ChallengerDifferenceStore;
  /** Fails if no scoring endpoint has this name or if it does not accept the features. */
  tryEndpoint(endpointName: string): Promise<void>;
  /** Reloads the rules, the live model and the challenger in this process. */
  refresh(): Promise<void>;
  clock?: Clock;
}

/** The challenger and its comparison with the live decisions. */
export interface ComparedChallenger extends Stored<Challenger> {
  comparison: ShadowCounts;
}

/** Sets, compares, promotes and removes the challenger, which runs in shadow beside the live model and rules. */
export class Challengers {
  constructor(private readonly parts: ChallengerParts) {}

  /**
   * Returns the challenger.
   * @throws LongwatchError `notFound` if there is none
   */
  async current(): Promise<ComparedChallenger> {
    const stored = await this.parts.challengers.current();
    if (!stored?.value) throw new LongwatchError('notFound', 'There is no challenger; set one with PUT /v1/shadow');
    return { ...stored, value: stored.value, comparison: await this.parts.shadow.counts(stored.version) };
  }

  /**
   * Sets or replaces the challenger.
   * @returns its version
   * @throws LongwatchError `invalid` if its endpoint cannot score
   */
  async put(challenger: Challenger, putBy: string): Promise<number> {
    if (challenger.endpointName !== undefined) await this.parts.tryEndpoint(challenger.endpointName);
    const ifVersion = await this.parts.challengers.currentVersion();
    const version = await this.parts.challengers.put(challenger, { ifVersion, putBy, at: this.now() });
    await this.parts.refresh();
    return version;
  }

  /** Removes the challenger. If there is none, changes nothing. */
  async remove(putBy: string): Promise<void> {
    const stored = await this.parts.challengers.current();
    if (!stored?.value) return;
    await this.parts.challengers.put(null, { ifVersion: stored.version, putBy, at: this.now() });
    await this.parts.refresh();
  }

  /**
   * Returns a page of transactions that the challenger decides differently.
   * @throws LongwatchError `notFound` if there is no challenger
   */
  async differences(page: PageRequest): Promise<Page<Difference>> {
    const { version } = await this.current();
    return this.parts.shadow.differences(version, page);
  }

  /**
   * Makes the challenger's model and rules the live ones and removes the challenger, in one transaction.
   * @throws LongwatchError `versionMismatch` if the challenger, the rules or the live model changed meanwhile;
   *   `notFound` if there is no challenger; `invalid` if its endpoint cannot score
   */
  async promote(ifVersion: number, putBy: string): Promise<{ ruleSetVersion?: number; endpointName?: string }> {
    const { challengers, rules, models, db } = this.parts;
    const { version, value } = await this.current();
    const by = (from: number) => ({ ifVersion: from, putBy, at: this.now() });
    const over = challengers.putting(null, by(ifVersion));
    if (version !== ifVersion) throw over.lost(undefined);
    if (value.endpointName !== undefined) await this.parts.tryEndpoint(value.endpointName);
    const rulesVersion = await rules.currentVersion();
    const puts: Putting[] = [over];
    if (value.ruleSet) puts.push(rules.putting(value.ruleSet, by(rulesVersion)));
    if (value.endpointName !== undefined)
      puts.push(models.putting({ endpointName: value.endpointName }, by(await models.currentVersion())));
    await putAll(db, puts);
    await this.parts.refresh();
    return {
      ...(value.ruleSet && { ruleSetVersion: rulesVersion + 1 }),
      ...defined({ endpointName: value.endpointName }),
    };
  }

  private now(): string {
    return iso((this.parts.clock ?? systemClock).now());
  }
}

/** The version of a challenger's {@link CompiledRuleSet}. A challenger's rules have no version among the live ones. */
export const CHALLENGER_RULES: CompiledRuleSet['version'] = 0;
