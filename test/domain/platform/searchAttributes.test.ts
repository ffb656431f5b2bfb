import { SearchAttributeType } from '@temporalio/common';
import {
  type SearchAttributeName,
  searchAttributePairs,
  searchAttributes,
  searchAttributeTypes,
  typedSearchAttributes,
} from '../../../src/domain/platform/searchAttributes';

it('values get the key of their name, and an instant becomes a date', () => {
  const pairs = searchAttributePairs({ LongwatchStatus: 'held', LongwatchScore: 0.5, LongwatchDueAt: 1_000 });
  expect(pairs.map(({ key, value }) => [key.name, value])).toEqual([
    ['LongwatchStatus', 'held'],
    ['LongwatchScore', 0.5],
    ['LongwatchDueAt', new Date(1_000)],
  ]);
});

it('null takes an attribute away, an instant’s too', () => {
  expect(searchAttributePairs({ LongwatchDueAt: null, LongwatchAssignee: null }).map(({ value }) => value)).toEqual([
    null,
    null,
  ]);
});

it('a server registers each attribute under the type that its key has', () => {
  const written: Partial<Record<string, string>> = {
    [SearchAttributeType.KEYWORD]: 'Keyword',
    [SearchAttributeType.DOUBLE]: 'Double',
    [SearchAttributeType.DATETIME]: 'Datetime',
  };
  for (const [name, key] of Object.entries(searchAttributes)) {
    expect(key.name).toBe(name);
    expect(searchAttributeTypes[name as SearchAttributeName]).toBe(written[key.type]);
  }
  expect(typedSearchAttributes({ LongwatchSubject: 'ada' }).getAll()).toHaveLength(1);
});
