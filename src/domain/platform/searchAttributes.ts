import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributePair,
  TypedSearchAttributes,
} from '@temporalio/common';

/** Registered at start-up; a workflow that upserts an attribute that is not registered hangs. */
export const searchAttributes = {
  /** Where the lifecycle stands; the list in the Web UI is filtered by it. */
  LongwatchStatus: defineSearchAttributeKey('LongwatchStatus', SearchAttributeType.KEYWORD),
  /** Whom or what it is about: a user's id, a device's id. */
  LongwatchSubject: defineSearchAttributeKey('LongwatchSubject', SearchAttributeType.KEYWORD),
  LongwatchScore: defineSearchAttributeKey('LongwatchScore', SearchAttributeType.DOUBLE),
  LongwatchAssignee: defineSearchAttributeKey('LongwatchAssignee', SearchAttributeType.KEYWORD),
  /** By when somebody should act. */
  LongwatchDueAt: defineSearchAttributeKey('LongwatchDueAt', SearchAttributeType.DATETIME),
} as const;

export type SearchAttributeName = keyof typeof searchAttributes;

/**
 * Plain values by name, as the ledger keeps them, in the form that a start or an upsert takes; instants as epoch ms.
 */
export function searchAttributePairs(
  values: Readonly<Partial<Record<SearchAttributeName, string | number | null>>>,
): SearchAttributePair[] {
  return (Object.entries(values) as [SearchAttributeName, string | number | null][]).map(
    ([name, value]) =>
      ({
        key: searchAttributes[name],
        value: value !== null && name === 'LongwatchDueAt' ? new Date(value) : value,
      }) as SearchAttributePair,
  );
}

/** For a workflow start: see {@link searchAttributePairs}. */
export function typedSearchAttributes(values: Readonly<Record<string, string | number>>): TypedSearchAttributes {
  return new TypedSearchAttributes(searchAttributePairs(values));
}

/** Name and type of each, as a server takes them: `Keyword`, `Double`, `Datetime`. */
export const searchAttributeTypes: Readonly<Record<SearchAttributeName, string>> = {
  LongwatchStatus: 'Keyword',
  LongwatchSubject: 'Keyword',
  LongwatchScore: 'Double',
  LongwatchAssignee: 'Keyword',
  LongwatchDueAt: 'Datetime',
};
