import * as fc from 'fast-check';
import { beyond, merged, type Window } from '../../../src/domain/feeds/merge';

it('lists merge in the order of reading, each post once', () => {
  const ref = (key: string) => ({ key, authorId: 'a' });
  const lists = [['e', 'c', 'a'].map(ref), ['d', 'c'].map(ref)];
  expect(merged(lists, 'older', 4).map(({ key }) => key)).toEqual(['e', 'd', 'c', 'a']);
  expect(merged(lists, 'newer', 2).map(({ key }) => key)).toEqual(['a', 'c']);
});

const arbitraryLists = fc.array(fc.uniqueArray(fc.integer({ min: 10, max: 60 }).map(String), { maxLength: 20 }), {
  maxLength: 4,
});
const directions = ['older', 'newer'] as const;

it.each(directions)('%s: page after page, a reading comes by every post once, in order', (direction) => {
  fc.assert(
    fc.property(arbitraryLists, fc.integer({ min: 1, max: 7 }), (lists, limit) => {
      const all = [...new Set(lists.flat())].sort();
      if (direction === 'older') all.reverse();
      const read: string[] = [];
      for (let window: Window = {}; ;) {
        const { after = '', before = '~' } = window;
        const within = lists.map((list) =>
          list.filter((key) => key > after && key < before).map((key) => ({ key, authorId: 'a' })),
        );
        const page = merged(within, direction, limit);
        expect(page.length).toBeLessThanOrEqual(limit);
        read.push(...page.map(({ key }) => key));
        const last = page.at(-1);
        if (!last) break;
        window = beyond(window, last.key, direction);
      }
      expect(read).toEqual(all);
    }),
  );
});

it('a step in one direction leaves the other bound where it is', () => {
  expect(beyond({ after: 'a', before: 'z' }, 'm', 'older')).toEqual({ after: 'a', before: 'm' });
  expect(beyond({ after: 'a', before: 'z' }, 'm', 'newer')).toEqual({ after: 'm', before: 'z' });
});
