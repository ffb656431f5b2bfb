import * as fc from 'fast-check';
import { cell } from '../../src/domain/markdown';

it('no text ends its cell or its line, or brings HTML, a link or code into the page', () => {
  const nasty = fc.string({ unit: fc.constantFrom('|', '\\', '<', '>', '[', ']', '!', '`', '\n', '\r', ' ', 'a') });
  fc.assert(
    fc.property(nasty, (text) => {
      const shown = cell(text);
      expect(shown).not.toMatch(/[\n\r<]/);
      // Outside of escapes nothing is left that Markdown reads.
      expect(shown.replace(/\\[\\|`[\]!]/g, '')).not.toMatch(/[\\|`[\]!]/);
    }),
  );
});

it('a plain text stays, and a long one is cut', () => {
  expect(cell('Books, 2nd ed.')).toBe('Books, 2nd ed.');
  expect(cell('x'.repeat(400))).toBe(`${'x'.repeat(300)}…`);
});
