import { setImmediate as soon } from 'node:timers/promises';
import fc from 'fast-check';
import { Turns, type Weight, weightOf } from './turns';

it('all work is done once, heavy and idle work by so many lanes at most, and no lane waits while light work is left', async () => {
  const weight = fc.constantFrom<Weight>('light', 'heavy', 'idle');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ weight, takes: fc.nat({ max: 4 }) }), { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), async (kinds, lanes, heavyAtOnce) => {
      const files = kinds.map((kind, i) => ({ item: i, path: `/test/${i}.test.ts`, ...kind }));
      const turns = new Turns(files, { heavy: heavyAtOnce, idle: 1 });
      const done: number[] = [];
      const now: Record<Weight, number> = { light: 0, heavy: 0, idle: 0 };
      const most = { ...now };
      let waiting = 0;
      let lightLeft = files.filter((one) => one.weight === 'light').length;
      const lane = async () => {
        for (;;) {
          waiting++;
          const turn = await turns.next();
          waiting--;
          if (!turn) return;
          for (const i of turn.items) {
            const { weight: own, takes } = files[i]!;
            most[own] = Math.max(most[own], ++now[own]);
            if (own === 'light') lightLeft--;
            for (let n = 0; n < takes; n++) {
              await soon();
              if (lightLeft > 0) expect(waiting).toBe(0);
            }
            now[own]--;
            done.push(i);
          }
          turn.done();
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      expect(done.toSorted((a, b) => a - b)).toEqual(files.map(({ item }) => item));
      expect(most.heavy).toBeLessThanOrEqual(heavyAtOnce);
      expect(most.idle).toBeLessThanOrEqual(1);
    }),
  );
});

it('a file is heavy that starts a stack, a server of Temporal, a browser or a process of the product; idle if it says so', () => {
  expect(weightOf("temporal = await startTestTemporal();")).toBe('heavy');
  expect(weightOf("import { eventually } from '../support/stack';")).toBe('light');
  expect(weightOf("/**\n * Waits.\n *\n * @lane idle\n */\ntemporal = await startTestTemporal();")).toBe('idle');
});
