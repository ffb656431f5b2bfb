import { removeAdjustmentAt, removeUnfinishedAt } from '../../../src/domain/carts/retention';

const AT = Date.parse('2026-01-01T00:00:00.001Z');
const inSeconds = (text: string) => Date.parse(text) / 1000;

it('an unfinished checkout stays for a day after its holds, and the key of an adjustment for a week', () => {
  expect(removeUnfinishedAt(AT)).toBe(inSeconds('2026-01-02T00:00:01Z'));
  expect(removeAdjustmentAt(AT)).toBe(inSeconds('2026-01-08T00:00:01Z'));
});
