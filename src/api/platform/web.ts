import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyRoute, type Reply, route } from '../http/router';

const files = {
  '/': {
    file: 'index.html',
    contentType: 'text/html; charset=utf-8',
    operationId: 'getPage',
    summary: 'The overview page',
  },
  '/web/longwatch.css': {
    file: 'longwatch.css',
    contentType: 'text/css; charset=utf-8',
    operationId: 'getPageStyle',
    summary: 'Style sheet of the overview page',
  },
  '/web/longwatch.js': {
    file: 'longwatch.js',
    contentType: 'text/javascript; charset=utf-8',
    operationId: 'getPageScript',
    summary: 'Script of the overview page',
  },
  '/web/icon.svg': {
    file: 'icon.svg',
    contentType: 'image/svg+xml',
    operationId: 'getPageIcon',
    summary: 'Icon of the overview page',
  },
} as const;

/**
 * The page may load only its own files: no inline script or style, no other origin, no frame around it, and no text
 * inserted as markup (trusted types). The page contains no data; it fetches data with the API key that its reader
 * enters.
 */
const headers: NonNullable<Reply['headers']> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/**
 * Routes of the overview page at `/` and its files. They are public, because they contain no data.
 * @param folder path of the page's files, which need no build step
 */
export function webRoutes(folder: string): AnyRoute[] {
  return Object.entries(files).map(([path, { file, contentType, operationId, summary }]) => {
    const content = readFileSync(join(folder, file), 'utf8');
    return route({
      method: 'get',
      path,
      operationId,
      tag: 'page',
      loadClass: 'interactive',
      summary,
      roles: 'public',
      responses: { 200: { description: 'The file', contentType: contentType.split(';')[0] as string } },
      handler: async () => ({ status: 200, raw: { content, contentType }, headers }),
    });
  });
}
