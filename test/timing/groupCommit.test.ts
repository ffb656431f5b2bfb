import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { GroupCommit, type GroupSettings } from '../../src/timing/groupCommit';
import { eventually } from '../support/eventually';

class Fault extends Error {
  constructor(readonly isOfOne: boolean) {
    super('fault');
  }
}
const isOfOne = (error: unknown) => error instanceof Fault && error.isOfOne;

/** A service whose calls end when the test says so. */
function service(settings: Partial<GroupSettings<number>> = {}) {
  const calls: { group: readonly number[]; end(error?: Error): void }[] = [];
  const groups = new GroupCommit<number, string>(
    (group) =>
      new Promise((resolve, reject) => {
        calls.push({ group, end: (error) => (error ? reject(error) : resolve(group.map((one) => `answer ${one}`))) });
      }),
    { limit: 4, maxInFlight: 8, isOfOne, ...settings },
  );
  return { calls, groups, submit: (...all: number[]) => all.map((one) => groups.submit(one)) };
}
/** Makes calls typically take so long that no group leaves because it has waited. */
async function slowCalls(one: ReturnType<typeof service>): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const [answer] = one.submit(-1);
    await turn();
    await sleep(400);
    one.calls[0]!.end();
    await answer;
    one.calls.length = 0;
  }
  await turn();
}

it('a request leaves at once while nothing is in flight; those of one turn leave together', async () => {
  const one = service();
  const answers = one.submit(1, 2);
  await turn();
  expect(one.calls.map(({ group }) => group)).toEqual([[1, 2]]);
  one.calls[0]!.end();
  expect(await Promise.all(answers)).toEqual(['answer 1', 'answer 2']);
});

it('requests that come while a call is in flight leave together when it ends', async () => {
  const one = service();
  await slowCalls(one);
  const answers = one.submit(1);
  await turn();
  for (const next of [2, 3]) {
    answers.push(...one.submit(next));
    await turn();
  }
  expect(one.calls.map(({ group }) => group)).toEqual([[1]]);
  one.calls[0]!.end();
  await turn();
  await turn();
  expect(one.calls.map(({ group }) => group)).toEqual([[1], [2, 3]]);
  one.calls[1]!.end();
  expect(await Promise.all(answers)).toHaveLength(3);
});

it('a full group leaves while others are in flight, up to their maximum', async () => {
  const one = service({ maxInFlight: 2, weightOf: (request) => request });
  await slowCalls(one);
  const answers = one.submit(3);
  await turn();
  answers.push(...one.submit(1, 2, 2, 4, 9, 1));
  await turn();
  expect(one.calls.map(({ group }) => group)).toEqual([[3], [1, 2]]);
  for (const next of [[2], [4], [9]]) {
    one.calls.at(-1)!.end();
    await turn();
    await turn();
    expect(one.calls.at(-1)!.group).toEqual(next);
  }
  for (const { end } of one.calls) end();
  await turn();
  await turn();
  expect(one.calls.at(-1)!.group).toEqual([1]);
  one.calls.at(-1)!.end();
  expect(await Promise.all(answers)).toHaveLength(7);
});

it('a call that stalls delays no other group for longer than a call typically takes', async () => {
  const one = service();
  const [first] = one.submit(0);
  await turn();
  one.calls[0]!.end();
  await first;
  const [stalled] = one.submit(1);
  await turn();
  const [second] = one.submit(2);
  await eventually(
    async () => one.calls.length,
    (length) => length === 3,
  );
  one.calls[2]!.end();
  expect(await second).toBe('answer 2');
  one.calls[1]!.end();
  expect(await stalled).toBe('answer 1');
});

it('a failure of the whole is everybody’s; one that may be a single request’s hits only that request', async () => {
  const bad = 2;
  const calls: (readonly number[])[] = [];
  const groups = (fault: Fault) =>
    new GroupCommit<number, number>(
      async (group) => {
        calls.push(group);
        if (group.includes(bad)) throw fault;
        return group;
      },
      { limit: 10, maxInFlight: 8, isOfOne },
    );
  const settled = async (fault: Fault) => {
    calls.length = 0;
    const one = groups(fault);
    return Promise.allSettled([1, 2, 3].map((request) => one.submit(request)));
  };
  expect((await settled(new Fault(false))).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(calls).toEqual([[1, 2, 3]]);
  expect((await settled(new Fault(true))).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(calls).toEqual([[1, 2, 3], [1], [2], [3]]);
});

it('every request gets its own answer, whatever comes when, and no more groups than allowed are in flight', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          weight: fc.integer({ min: 1, max: 6 }),
          afterTurns: fc.integer({ min: 0, max: 3 }),
          takesTurns: fc.integer({ min: 0, max: 4 }),
          fails: fc.constantFrom('no', 'no', 'no', 'alone', 'with its group'),
        }),
        { minLength: 1, maxLength: 40 },
      ),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (requests, limit, maxInFlight) => {
        let inFlight = 0;
        const served: number[] = [];
        /** Requests that are repeated alone; their calls do not count as groups in flight. */
        const repeated = new Set<number>();
        const groups = new GroupCommit<number, number>(
          async (group) => {
            const of = group.map((index) => requests[index]!);
            const isRepeated = group.every((index) => repeated.has(index));
            if (!isRepeated) expect(++inFlight).toBeLessThanOrEqual(maxInFlight);
            if (group.length > 1) expect(of.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(limit);
            for (let i = 0; i < of[0]!.takesTurns; i++) await turn();
            if (!isRepeated) inFlight--;
            if (of.some(({ fails }) => fails === 'with its group')) throw new Fault(false);
            if (of.some(({ fails }) => fails === 'alone')) {
              for (const index of group) repeated.add(index);
              throw new Fault(true);
            }
            served.push(...group);
            return group;
          },
          { limit, maxInFlight, weightOf: (index) => requests[index]!.weight, isOfOne },
        );
        const outcomes: Promise<unknown>[] = [];
        for (const [index, { afterTurns }] of requests.entries()) {
          for (let i = 0; i < afterTurns; i++) await turn();
          outcomes.push(
            groups.submit(index).then(
              (answer) => expect(answer).toBe(index),
              (error) => expect(error).toBeInstanceOf(Fault),
            ),
          );
        }
        await Promise.all(outcomes);
        expect(new Set(served).size).toBe(served.length);
        for (const [index, { fails }] of requests.entries()) if (fails === 'alone') expect(served).not.toContain(index);
      },
    ),
    { numRuns: 200 },
  ));
