/** `T` with its members that can be undefined as optional members that are never undefined. */
export type Defined<T> = { -readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  -readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * Returns an object with the members that are not undefined, in the same order. An absent member and an undefined one
 * differ under `exactOptionalPropertyTypes` and in DynamoDB and JSON: `{ id, ...defined({ note }) }` has a note only
 * if there is one. Null, false, 0 and '' stay.
 */
export function defined<const T extends object>(members: T): Defined<T> {
  const kept: Partial<T> = {};
  // A loop, because this runs for every row of a page: `Object.fromEntries` takes five times as long.
  for (const name in members) if (members[name] !== undefined) kept[name] = members[name];
  return kept as unknown as Defined<T>;
}
