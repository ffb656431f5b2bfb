import { LongwatchError } from '../domain/errors';
import { type CompiledRuleSet, compileRuleSet } from '../domain/fraud/rules';
import { validateRuleSet } from '../domain/fraud/ruleValidation';
import type { RuleStore } from '../stores/fraud/rules';

/**
 * The rule set in force, at hand without waiting: read in the background, compiled once per version. While
 * DynamoDB is away, or a version cannot be compiled by this release, the last good one stays in force.
 */
export class CurrentRules {
  private compiled: CompiledRuleSet | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: RuleStore,
    private readonly onFault: (error: unknown) => void,
    private readonly everyMs = 2_000,
  ) {}

  /** @throws LongwatchError `unavailable` before the first rule set was read. */
  current(): CompiledRuleSet {
    if (!this.compiled) throw new LongwatchError('unavailable', 'The rules are not loaded yet', { retryAfterSeconds: 1 });
    return this.compiled;
  }

  /** Reads the rule set and keeps looking for newer versions. */
  async start(): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => void this.refresh().catch(this.onFault), this.everyMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Looks at once, as after a change in this process. */
  async refresh(): Promise<void> {
    const version = await this.store.currentVersion();
    if (version === 0 || version === this.compiled?.version) return;
    const stored = await this.store.version(version);
    if (stored) this.compiled = compileRuleSet(validateRuleSet(stored.ruleSet), version);
  }
}
