import { errorPage, escaped, wantsPage } from '../../../src/api/http/page';

it('the page of an error shows the reason of the caller’s own faults alone, as text', () => {
  expect(errorPage({ status: 409, message: 'The time <is> over', extra: {} })).toContain(
    '<p>The time &#60;is&#62; over.</p>',
  );
  const ours = errorPage({ status: 500, message: 'The table orders is gone', extra: {} });
  expect(ours).toContain('Please try again in a moment.');
  expect(ours).not.toContain('table');
});

it('what is escaped can neither open a tag nor end an attribute', () => {
  expect(escaped(`<a href="x" title='y'>&`)).toBe('&#60;a href=&#34;x&#34; title=&#39;y&#39;&#62;&#38;');
});

it('what is wrong with a field is for programs', () => {
  const extra = { errors: [{ field: 'path.token', message: 'must be 1 to 400 characters' }] };
  const text = errorPage({ status: 400, message: 'path.token must be 1 to 400 characters', extra });
  expect(text).toContain('<p>The link or the form is not complete.</p>');
  expect(text).not.toContain('path.token');
});

it.each([
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  [' Text/HTML', true],
  ['application/json', false],
  ['application/json, text/html', false],
  ['*/*', false],
  [undefined, false],
])('whoever accepts %s reads it: %s', (accept, reads) => {
  expect(wantsPage({ headers: accept === undefined ? {} : { accept } })).toBe(reads);
});
