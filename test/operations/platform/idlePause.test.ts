import { IdlePause } from '../../../src/operations/platform/idlePause';

it('looks less and less often while there is nothing to do, and as before once there is', () => {
  const pause = new IdlePause(1_000);
  expect([0, 0, 0, 3, 1, 0].map((found) => pause.after(found))).toEqual([2_000, 4_000, 4_000, 1_000, 1_000, 2_000]);
});
