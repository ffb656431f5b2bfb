import { faultOfFollow, mustDiffer, MAX_FOLLOWING } from '../../../src/domain/feeds/follow';

const free = { blocks: false, blockedBy: false, following: MAX_FOLLOWING - 1 };

it('a relation is between two users', () => {
  expect(() => mustDiffer('ada', 'bob')).not.toThrow();
  expect(() => mustDiffer('ada', 'ada')).toThrow(
    expect.objectContaining({ type: 'invalid', message: 'A user cannot follow or block themselves' }),
  );
});

it('a block in either direction prevents a follow', () => {
  expect(faultOfFollow('ada', 'bob', free)).toBeUndefined();
  for (const block of [{ blocks: true }, { blockedBy: true }])
    expect(faultOfFollow('ada', 'bob', { ...free, ...block })).toMatchObject({
      type: 'conflict',
      message: 'ada cannot follow bob: one has blocked the other',
    });
});

it('a user cannot follow more than the maximum', () => {
  expect(faultOfFollow('ada', 'bob', { ...free, following: MAX_FOLLOWING })).toMatchObject({
    type: 'conflict',
    message: 'ada follows 5000 users, the maximum; unfollow one first',
  });
});
