/** The members of `T` that can be undefined become optional members that never are. */
export type Defined<T> = { -readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  -readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * Returns an object with those members that are not undefined, in the same order. Under `exactOptionalPropertyTypes`,
 * and for what DynamoDB and JSON store, an absent member and an undefined one differ: `{ id, ...defined({ note }) }`
 * has a note only where there is one. Null, false, 0 and '' stay.
 */
export function defined<const T extends object>(members: T): Defined<T> {
  const kept: Partial<T> = {};
  // A loop, since this runs for every row of a page: `Object.fromEntries` takes five times as long.
  for (const name in members) if (members[name] !== undefined) kept[name] = members[name];
  return kept as unknown as Defined<T>;
}
