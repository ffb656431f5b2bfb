import { benchCarts } from './carts';
import { benchFeeds } from './feeds';
import { benchFraud } from './fraud';
import { benchSubmissions } from './leaderboards';
import { benchMemory } from './memory';
import { benchSdk } from './sdk';
import { benchSessionOperations } from './sessions';
import { printReached, type Reached } from './support/targets';

/** Runs every measurement that has a target, and prints each target with the measured value. */
export async function benchTargets(rounds: number): Promise<void> {
  const reached: Reached[] = [];
  const parts: [what: string, measure: () => Promise<Reached[]>][] = [
    ['memory and start', () => benchMemory({ seconds: 120 })],
    ['calls to AWS', () => benchSdk({ rounds, calls: 1_000 })],
    ['decisions', () => benchFraud({ rounds, samples: 100, seconds: 4 })],
    ['carts', () => benchCarts({ rounds, samples: 150, checkouts: 50 })],
    ['sessions', () => benchSessionOperations({ rounds, samples: 200 })],
    ['submissions', () => benchSubmissions({ rounds, samples: 200 })],
    ['fan-out', () => benchFeeds({ rounds, followers: [], samples: 10 })],
  ];
  for (const [what, measure] of parts) {
    console.log(`\n${what}\n`);
    reached.push(...(await measure()));
  }
  console.log('\nTargets\n');
  printReached(reached);
}
