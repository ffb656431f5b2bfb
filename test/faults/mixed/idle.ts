import { setTimeout as sleep } from 'node:timers/promises';
import { dueEntries } from '../../support/outbox';
import { CHECKOUT_TYPE } from '../../../src/domain/carts/workflows';
import { DEVICE_ALERTS_TYPE } from '../../../src/domain/devices/workflows';
import { FAN_OUT_TYPE, RELATION_TYPE, RETRACT_TYPE, TURN_TYPE } from '../../../src/domain/feeds/workflows';
import type { Reader } from './capability';

/** Those that end by themselves within seconds; others wait for hours, for people or for ever. */
const SHORT_LIVED = [FAN_OUT_TYPE, RETRACT_TYPE, RELATION_TYPE, TURN_TYPE, CHECKOUT_TYPE, DEVICE_ALERTS_TYPE];

const WORD_EVERY_MS = 10_000;

/** What still waits or runs; undefined when there is nothing. */
export async function underWay({ db, temporal }: Pick<Reader, 'db' | 'temporal'>): Promise<string | undefined> {
  const entries = await Promise.all(
    ['start', 'signal', 'rescore'].map((kind) => dueEntries(db, kind, Date.now() + 60_000)),
  );
  const waiting = entries.flat().length;
  const { count } = await temporal.workflow.count(
    `ExecutionStatus = 'Running' AND WorkflowType IN (${SHORT_LIVED.map((type) => `'${type}'`).join(', ')})`,
  );
  return waiting + count === 0
    ? undefined
    : `${waiting} outbox entries wait, ${count} workflows run that should have ended`;
}

/** Waits until nothing waits or runs. @returns what does after all that time. */
export async function untilIdle(
  reader: Pick<Reader, 'db' | 'temporal'>,
  patienceMs: number,
  onLeft: (left: string) => void,
): Promise<string | undefined> {
  let nextWord = Date.now() + WORD_EVERY_MS;
  for (const until = Date.now() + patienceMs; ; await sleep(500)) {
    const left = await underWay(reader).catch((error: unknown) => String(error));
    if (left === undefined || Date.now() > until) return left;
    if (Date.now() < nextWord) continue;
    nextWord += WORD_EVERY_MS;
    onLeft(left);
  }
}
