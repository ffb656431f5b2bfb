import type { Problem } from '../http/problem';
import type { Reply } from '../http/router';

/**
 * Returns an HTML page for customers as a reply. Its headers forbid scripts, frames and the Referer header, because its
 * URL contains a token.
 */
export function htmlPage(content: string): Required<Pick<Reply, 'raw' | 'headers'>> {
  return { raw: { content, contentType: 'text/html; charset=utf-8' }, headers: pageHeaders };
}

const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

/** Returns an HTML page. Title and content must already be escaped. */
export function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
button { font: inherit; padding: .8rem 1.4rem; margin: .5rem .5rem .5rem 0; border: 2px solid #1a1a1a;
  border-radius: .4rem; background: #fff; color: inherit; cursor: pointer }
button:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}

/** Returns the page of an error. Only of the caller's own faults does it show the reason. */
export const errorPage = ({ status, message }: Pick<Problem, 'status' | 'message'>): string =>
  page(
    'This did not work',
    `<p>${status < 500 ? escaped(message) : 'Something went wrong on our side. Please try again in a moment'}.</p>`,
  );

/** Escapes a text for HTML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
