import * as fc from 'fast-check';
import { marksFollowers, type Mode, pushes } from '../../../src/domain/feeds/author';
import { requiredModeChange } from '../../../src/domain/feeds/modeChange';

describe('an author', () => {
  it('turns above the threshold, and back only well below it', () => {
    expect([99, 100, 101].map((followers) => requiredModeChange({ mode: 'push', followers }, 100))).toEqual([
      undefined,
      undefined,
      'rising',
    ]);
    expect([101, 80, 79].map((followers) => requiredModeChange({ mode: 'pull', followers }, 100))).toEqual([
      undefined,
      undefined,
      'falling',
    ]);
  });

  it('begins no turn before the last one is over', () => {
    for (const followers of [0, 1_000])
      for (const mode of ['rising', 'falling'] as const)
        expect(requiredModeChange({ mode, followers }, 100)).toBeUndefined();
  });

  it('is always either pushed or marked, so that no post is on neither way', () => {
    for (const mode of ['push', 'rising', 'pull', 'falling'] as const)
      expect(pushes({ mode }) || marksFollowers({ mode })).toBe(true);
  });
});

it('whatever followers come and go, an author turns one step at a time at most, and rests between the bounds', () => {
  /** A turn's end: the mode that it leads to. */
  const ended = { rising: 'pull', falling: 'push' } as const;
  const threshold = 100;
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 50 }), (counts) => {
      let mode: Mode = 'push';
      for (const followers of counts) {
        const turn = requiredModeChange({ mode, followers }, threshold);
        if (followers > threshold) expect(turn).toBe(mode === 'push' ? 'rising' : undefined);
        else if (followers < 80) expect(turn).toBe(mode === 'pull' ? 'falling' : undefined);
        else expect(turn).toBeUndefined();
        if (turn) mode = ended[turn];
      }
    }),
  );
});
