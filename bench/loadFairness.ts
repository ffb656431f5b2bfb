import Table from 'cli-table3';
import { callers, type LoadedStack } from './support/generator';
import type { PhaseResult } from './support/loadGenerator';
import { ms, percentile } from './support/measure';

/** Share of the capacity that the callers use which the flood must not affect. */
const MODEST = 0.3;

/**
 * Measures payments during a flood of score submissions, and then the payments of one caller during a flood by another
 * caller.
 */
export async function fairness(
  { stack, load }: LoadedStack,
  { seconds, factor }: { seconds: number; factor: number },
): Promise<void> {
  await fetch(`${stack.url}/v1/boards/flood`, {
    method: 'PUT',
    body: '{"operator":"best"}',
    headers: { authorization: `Bearer ${callers.first}`, 'content-type': 'application/json' },
  });
  await load({ seconds: 10, inFlight: 16 });
  const closed = await load({ seconds: 8, inFlight: 16 });
  const capacity = closed.accepted.length / closed.seconds;
  const scores = Array.from({ length: 200 }, (_, i) =>
    JSON.stringify({ submissionId: '#ID#', playerId: `player-${i}`, score: i }),
  );
  const alone = await load({ seconds, rate: capacity * MODEST, key: callers.second });
  const [besideScores, scoreFlood] = await Promise.all([
    load({ seconds, rate: capacity * MODEST, key: callers.second }),
    load({ path: '/v1/boards/flood/scores', bodies: scores, seconds, rate: capacity * factor }),
  ]);
  const [besideCaller, callerFlood] = await Promise.all([
    load({ seconds, rate: capacity * MODEST, key: callers.second }),
    load({ seconds, rate: capacity * factor }),
  ]);
  const table = new Table({
    head: [
      `payments at ${100 * MODEST} % of capacity`,
      'offered per second',
      'served',
      'p50',
      'p99',
      'flood: offered per second',
      'served a second',
    ],
    style: { head: [], border: [] },
  });
  const row = (name: string, of: PhaseResult, flood?: PhaseResult) =>
    table.push([
      name,
      (of.sent / of.seconds).toFixed(0),
      `${((100 * of.accepted.length) / of.sent).toFixed(1)} %`,
      ms(
        percentile(
          of.accepted.map(([, taken]) => taken),
          50,
        ),
      ),
      ms(
        percentile(
          of.accepted.map(([, taken]) => taken),
          99,
        ),
      ),
      flood ? (flood.sent / flood.seconds).toFixed(0) : '',
      flood ? (flood.accepted.length / flood.seconds).toFixed(0) : '',
    ]);
  row('alone', alone);
  row('during a flood of score submissions', besideScores, scoreFlood);
  row('during another caller’s flood of payments', besideCaller, callerFlood);
  console.log(`${table.toString()}\n`);
}
