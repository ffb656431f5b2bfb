import { errorPage, escaped } from '../../../src/api/platform/page';

it('the page of an error shows the reason of the caller’s own faults alone, as text', () => {
  expect(errorPage({ status: 409, message: 'The time <is> over' })).toContain('<p>The time &#60;is&#62; over.</p>');
  const ours = errorPage({ status: 500, message: 'The table orders is gone' });
  expect(ours).toContain('Please try again in a moment.');
  expect(ours).not.toContain('table');
});

it('what is escaped can neither open a tag nor end an attribute', () => {
  expect(escaped(`<a href="x" title='y'>&`)).toBe('&#60;a href=&#34;x&#34; title=&#39;y&#39;&#62;&#38;');
});
