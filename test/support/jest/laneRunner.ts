import { readFileSync } from 'node:fs';
import type { Config } from '@jest/types';
import TestRunner, { type Test, type TestRunnerContext, type TestRunnerOptions, type TestWatcher } from 'jest-runner';
import { isHeavy, Turns } from './turns';

/**
 * Runs test files in lanes, one for each of jest's workers. Heavy files take turns: at any time at least one lane has
 * light ones for as long as there are any.
 */
export default class LaneRunner extends TestRunner {
  private readonly lanes: number;

  constructor(globalConfig: Config.GlobalConfig, context: TestRunnerContext) {
    super({ ...globalConfig, maxWorkers: 1 }, context); // A lane is a run of its own with one worker.
    this.lanes = globalConfig.maxWorkers;
  }

  override async runTests(tests: Test[], watcher: TestWatcher, options: TestRunnerOptions): Promise<void> {
    if (options.serial || this.lanes === 1) return super.runTests(tests, watcher, options);
    const turns = new Turns(
      tests.map((test) => ({ item: test, isHeavy: isHeavy(readFileSync(test.path, 'utf8')), path: test.path })),
      Math.max(1, this.lanes - 1),
    );
    const lane = async () => {
      for (let turn = await turns.next(); turn && !watcher.isInterrupted(); turn = await turns.next()) {
        await super.runTests(turn.items, watcher, options);
        turn.done();
      }
    };
    await Promise.all(Array.from({ length: this.lanes }, lane));
  }
}
