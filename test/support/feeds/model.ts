import * as fc from 'fast-check';

export const USERS = 4;

/** What a client asks for; users and posts by number. */
export type Request =
  | { kind: 'post'; by: number }
  | { kind: 'edit'; post: number }
  | { kind: 'delete'; post: number }
  | { kind: 'follow' | 'unfollow' | 'block' | 'unblock'; by: number; whom: number };

const user = fc.nat(USERS - 1);
const post = fc.nat(11);
const pair = fc
  .tuple(user, fc.integer({ min: 1, max: USERS - 1 }))
  .map(([by, step]) => ({ by, whom: (by + step) % USERS }));
/** Most follow the first user, so that they cross the threshold, up and down. */
const towardsFirst = fc.oneof(
  { weight: 2, arbitrary: pair },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: USERS - 1 }).map((by) => ({ by, whom: 0 })) },
);

const history = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('post' as const), by: fc.oneof(user, fc.constant(0)) }) },
    { weight: 3, arbitrary: towardsFirst.map((of) => ({ kind: 'follow' as const, ...of })) },
    { weight: 4, arbitrary: towardsFirst.map((of) => ({ kind: 'unfollow' as const, ...of })) },
    { weight: 1, arbitrary: pair.map((of) => ({ kind: 'block' as const, ...of })) },
    { weight: 1, arbitrary: pair.map((of) => ({ kind: 'unblock' as const, ...of })) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('edit' as const), post }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), post }) },
  ),
  { minLength: 6, maxLength: 14, size: 'max' },
);

/**
 * First, most users follow each other and post, with nobody in the way; then anything. Without a bias towards the
 * small: nothing happens there.
 */
export const requests: fc.Arbitrary<{ first: Request[]; course: Request[] }> = fc.noBias(
  fc
    .tuple(
      fc.array(
        pair.map((of) => ({ kind: 'follow' as const, ...of })),
        { minLength: 5, maxLength: 9, size: 'max' },
      ),
      history,
    )
    .map(([first, anything]) => ({
      first: [...first, ...Array.from({ length: USERS }, (_, by): Request => ({ kind: 'post', by }))],
      course: anything,
    })),
);

/** What is true of users 0 … and posts 0 …, in memory. */
export interface FeedModel {
  /** `reader>author`. */
  follows: ReadonlySet<string>;
  /** `by>whom`. */
  blocks: ReadonlySet<string>;
  /** In the order in which they were posted; undefined text: deleted. */
  posts: readonly { by: number; text: string | undefined }[];
}

export const emptyModel: FeedModel = { follows: new Set(), blocks: new Set(), posts: [] };

export const follows = (model: FeedModel, reader: number, author: number): boolean =>
  model.follows.has(`${reader}>${author}`);

/** What a request makes of it. */
export function applied(model: FeedModel, request: Request): FeedModel {
  const { follows: all, blocks, posts } = model;
  switch (request.kind) {
    case 'post':
      return { ...model, posts: [...posts, { by: request.by, text: 'new' }] };
    case 'edit':
      return {
        ...model,
        posts: posts.map((one, i) =>
          i === request.post && one.text !== undefined ? { ...one, text: `${one.text}!` } : one,
        ),
      };
    case 'delete':
      return { ...model, posts: posts.map((one, i) => (i === request.post ? { ...one, text: undefined } : one)) };
    case 'follow': {
      const [one, other] = [`${request.by}>${request.whom}`, `${request.whom}>${request.by}`];
      return blocks.has(one) || blocks.has(other) ? model : { ...model, follows: new Set([...all, one]) };
    }
    case 'unfollow':
      return { ...model, follows: without(all, `${request.by}>${request.whom}`) };
    case 'block': {
      const [one, other] = [`${request.by}>${request.whom}`, `${request.whom}>${request.by}`];
      return { ...model, follows: without(without(all, one), other), blocks: new Set([...blocks, one]) };
    }
    case 'unblock':
      return { ...model, blocks: without(blocks, `${request.by}>${request.whom}`) };
  }
}

const without = (set: ReadonlySet<string>, gone: string): Set<string> =>
  new Set([...set].filter((one) => one !== gone));

/** A reader's feed: numbers of posts, newest first, capped. */
export function feedOf({ posts, ...model }: FeedModel, reader: number, cap: number): number[] {
  const all = posts.flatMap(({ by, text }, i) =>
    text !== undefined && follows({ ...model, posts }, reader, by) ? [i] : [],
  );
  return all.toReversed().slice(0, cap);
}
