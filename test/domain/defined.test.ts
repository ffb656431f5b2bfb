import * as fc from 'fast-check';
import { defined } from '../../src/domain/defined';

const name = fc.string().filter((text) => text !== '__proto__');
const value = fc.oneof(fc.constant(undefined), fc.constantFrom(null, false, 0, '', Number.NaN), fc.jsonValue());

it('keeps exactly the members that are not undefined, in their order', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value), (members) => {
      const kept = defined(members);
      expect(Object.entries(kept)).toEqual(Object.entries(members).filter(([, given]) => given !== undefined));
      expect(defined(kept)).toEqual(kept);
    }),
  );
});

it('is what a conditional spread of each member gives', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(Object.entries({ id: 1, ...defined({ a, b }) })).toEqual(
        Object.entries({ id: 1, ...(a !== undefined && { a }), ...(b !== undefined && { b }) }),
      );
    }),
  );
});

it('has the types that exact optional members need', () => {
  interface Note {
    id: string;
    text?: string;
    at?: number | null;
  }
  const noteOf = (id: string, text: string | undefined, at: number | null | undefined): Note =>
    defined({ id, text, at });
  expect(noteOf('n', undefined, null)).toStrictEqual({ id: 'n', at: null });
});
