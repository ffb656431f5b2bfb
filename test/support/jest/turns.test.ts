import { setImmediate as soon } from 'node:timers/promises';
import fc from 'fast-check';
import { isHeavy, Turns } from './turns';

it('all work is done once, heavy work by so many lanes at most; no lane waits while light work is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ isHeavy: fc.boolean(), takes: fc.nat({ max: 4 }) }), { maxLength: 80 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      async (kinds, lanes, heavyAtOnce) => {
        const files = kinds.map(({ isHeavy: heavy, takes }, i) => ({
          item: i,
          path: `/test/${i}.test.ts`,
          isHeavy: heavy,
          takes,
        }));
        const turns = new Turns(files, heavyAtOnce);
        const done: number[] = [];
        let heavy = 0;
        let mostHeavy = 0;
        let waiting = 0;
        let lightLeft = files.filter(({ isHeavy: isOne }) => !isOne).length;
        const lane = async () => {
          for (;;) {
            waiting++;
            const turn = await turns.next();
            waiting--;
            if (!turn) return;
            for (const i of turn.items) {
              const { isHeavy: isOne, takes } = files[i]!;
              if (isOne) mostHeavy = Math.max(mostHeavy, ++heavy);
              else lightLeft--;
              for (let n = 0; n < takes; n++) {
                await soon();
                if (lightLeft > 0) expect(waiting).toBe(0);
              }
              if (isOne) heavy--;
              done.push(i);
            }
            turn.done();
          }
        };
        await Promise.all(Array.from({ length: lanes }, lane));
        expect(done.toSorted((a, b) => a - b)).toEqual(files.map(({ item }) => item));
        expect(mostHeavy).toBeLessThanOrEqual(heavyAtOnce);
      },
    ),
  );
});

it('a file is heavy that starts a stack, a server of Temporal, a browser or a process of the product', () => {
  expect(isHeavy('temporal = await startTestTemporal();')).toBe(true);
  expect(isHeavy("import { eventually } from '../support/stack';")).toBe(false);
});
