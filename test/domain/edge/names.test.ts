import { METRIC_NAME, METRIC_NAME_RULE } from '../../../src/domain/devices/limits';
import { faultOfName, NAME_RULE, orOf, reservedNames, shownName } from '../../../src/domain/edge/names';
import { ID_PATTERN, ID_RULE } from '../../../src/domain/ids';

it('a reserved name is refused as a property, as an id and as a metric, but not a longer or shorter name', () => {
  for (const name of reservedNames) {
    expect([faultOfName(name), ID_PATTERN.test(name), METRIC_NAME.test(name)]).toEqual([NAME_RULE, false, false]);
    for (const other of [`${name}x`, name.slice(0, -1)])
      expect([faultOfName(other), ID_PATTERN.test(other)]).toEqual([undefined, true]);
  }
  expect(METRIC_NAME.test('constructors')).toBe(true);
});

it('the patterns and rules are the documented ones', () => {
  expect(ID_PATTERN.source).toBe('^(?!\\.{1,2}$|__proto__$|constructor$|prototype$)[A-Za-z0-9_.:@-]{1,64}$');
  expect(METRIC_NAME.source).toBe('^(?!constructor$|prototype$)[A-Za-z][A-Za-z0-9_.:-]{0,63}$');
  expect(NAME_RULE).toBe('must not be one of the reserved names __proto__, constructor, prototype');
  expect(ID_RULE).toBe(
    'must be 1 to 64 characters out of letters, digits, "_", ".", ":", "@" and "-", and not ".", "..", ' +
      '"__proto__", "constructor" or "prototype"',
  );
  expect(METRIC_NAME_RULE).toBe(
    'must be 1 to 64 characters out of letters, digits, "_", ".", ":" and "-", the first a letter, and not ' +
      '"constructor" or "prototype"',
  );
});

it('names are listed with “or” before the last', () => {
  expect([orOf([]), orOf(['a']), orOf(['a', 'b']), orOf(['a', 'b', 'c'])]).toEqual([
    '',
    '"a"',
    '"a" or "b"',
    '"a", "b" or "c"',
  ]);
});

it('a name is shown in one line of at most 64 characters', () => {
  expect(shownName('a\nb\ud800')).toBe('a\ufffdb\ufffd');
  expect(shownName('x'.repeat(70))).toHaveLength(64);
});
