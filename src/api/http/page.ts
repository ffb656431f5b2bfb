import type { IncomingMessage } from 'node:http';
import type { Problem } from './problem';

/** The content type of a page. */
export const HTML = 'text/html; charset=utf-8';

/** An HTML page as a part of a reply. */
export interface HtmlPage {
  raw: { content: string; contentType: string };
  headers: Record<string, string>;
}

/** Returns whether a person reads the answer: browsers ask for HTML first, and no other client does. */
export const wantsPage = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  /^\s*text\/html\b/i.test(headers.accept ?? '');

/**
 * Returns an HTML page for customers as a reply. Its headers forbid scripts, frames and the Referer header, because its
 * URL contains a token.
 */
export function htmlPage(content: string): HtmlPage {
  return { raw: { content, contentType: HTML }, headers: pageHeaders };
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

/** Returns the page of an error. It shows the reason only if the customer can understand it and do something. */
export function errorPage({ status, message, extra }: Pick<Problem, 'status' | 'message' | 'extra'>): string {
  const reason = extra.errors ? 'The link or the form is not complete' : escaped(message);
  return page(
    'This did not work',
    `<p>${status < 500 ? reason : 'Something went wrong on our side. Please try again in a moment'}.</p>`,
  );
}

/** Escapes a text for HTML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
