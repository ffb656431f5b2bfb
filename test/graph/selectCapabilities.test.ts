import type { AnyCapability } from '../../src/graph/capability';
import { selectCapabilities } from '../../src/graph/selectCapabilities';

const known = ['carts', 'feeds', 'fraud'].map((name) => ({ name })) as unknown as readonly AnyCapability[];
const chosen = (listed: string | undefined) => selectCapabilities(listed, known).map(({ name }) => name);

it('a process has the listed capabilities, in the order of all, or all if none is listed', () => {
  expect(chosen(undefined)).toEqual(['carts', 'feeds', 'fraud']);
  expect(chosen('')).toEqual(['carts', 'feeds', 'fraud']);
  expect(chosen('fraud, carts')).toEqual(['carts', 'fraud']);
});

it('an unknown capability is refused with the known names, and the nearest of them', () => {
  expect(() => chosen('carts,feed')).toThrow(
    'LONGWATCH_CAPABILITIES: there is no capability "feed"; did you mean feeds? Capabilities: carts, feeds, fraud',
  );
  expect(() => chosen('x')).toThrow('there is no capability "x". Capabilities: carts, feeds, fraud');
});
