import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributePair,
  TypedSearchAttributes,
} from '@temporalio/common';

/**
 * The search attributes. They are registered at start-up, because a workflow hangs on upserting an unregistered one.
 */
export const searchAttributes = {
  /** The status of the lifecycle, for filters of the Web UI's list. */
  LongwatchStatus: defineSearchAttributeKey('LongwatchStatus', SearchAttributeType.KEYWORD),
  /** The subject of the lifecycle: the id of a user, a device, a game. */
  LongwatchSubject: defineSearchAttributeKey('LongwatchSubject', SearchAttributeType.KEYWORD),
  LongwatchScore: defineSearchAttributeKey('LongwatchScore', SearchAttributeType.DOUBLE),
  LongwatchAssignee: defineSearchAttributeKey('LongwatchAssignee', SearchAttributeType.KEYWORD),
  /** The instant by which somebody should act. */
  LongwatchDueAt: defineSearchAttributeKey('LongwatchDueAt', SearchAttributeType.DATETIME),
} as const;

/** The name of a search attribute. */
export type SearchAttributeName = keyof typeof searchAttributes;

/**
 * Converts plain values by name, as the outbox stores them, to the form of a start or an upsert. Instants: epoch ms.
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

/** Converts values for a workflow start: see {@link searchAttributePairs}. */
export function typedSearchAttributes(values: Readonly<Record<string, string | number>>): TypedSearchAttributes {
  return new TypedSearchAttributes(searchAttributePairs(values));
}

/** The type of each attribute, for the registration with a Temporal server: `Keyword`, `Double`, `Datetime`. */
export const searchAttributeTypes: Readonly<Record<SearchAttributeName, string>> = {
  LongwatchStatus: 'Keyword',
  LongwatchSubject: 'Keyword',
  LongwatchScore: 'Double',
  LongwatchAssignee: 'Keyword',
  LongwatchDueAt: 'Datetime',
};
