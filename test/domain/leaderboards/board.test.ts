import { type BoardDefinition, faultOfRedefinition } from '../../../src/domain/leaderboards/board';

const board: BoardDefinition = {
  operator: 'best',
  order: 'descending',
  subscore: false,
  shards: 2,
  limits: {},
  rewards: [],
};
const seasons = { timeZone: 'UTC', graceMs: 0 };

it('the limits, rewards and times of a board can change', () => {
  expect(faultOfRedefinition(board, { ...board, limits: { maxScore: 9 } })).toBeUndefined();
  const seasonal = { ...board, seasons };
  expect(faultOfRedefinition(seasonal, { ...seasonal, seasons: { ...seasons, graceMs: 5 } })).toBeUndefined();
});

it('what the scores of a board depend on cannot change, and all such fields are named', () => {
  const fault = faultOfRedefinition(board, { ...board, shards: 3, order: 'ascending' });
  expect([fault?.type, fault?.message]).toEqual([
    'conflict',
    'order and shards of a board cannot change, because it has scores already; create another board',
  ]);
});

it('a board cannot get seasons, and cannot lose them', () => {
  const seasonal = { ...board, seasons };
  for (const [before, next] of [
    [board, seasonal],
    [seasonal, board],
  ] as const)
    expect(faultOfRedefinition(before, next)).toMatchObject({
      type: 'conflict',
      message: 'Seasons cannot be added to a board or removed from it; create another board',
    });
});
