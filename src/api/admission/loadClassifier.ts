import type { LoadClass } from '../../domain/platform/loadClass';

interface Classified {
  method: string;
  path: string;
  loadClass: LoadClass;
}

/** Load class of paths that match no route. They are answered with 404 and cost almost nothing. */
const UNKNOWN: LoadClass = 'interactive';

/**
 * Returns a function that gives the load class of a request from its request line alone. It matches routes as Express
 * does: by pattern, in order, ignoring case and a trailing slash.
 */
export function loadClassifier(routes: readonly Classified[]): (method: string, url: string) => LoadClass {
  const byMethod = new Map<string, { pattern: RegExp; loadClass: LoadClass }[]>();
  for (const { method, path, loadClass } of routes) {
    const pattern = new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}/?$`, 'i');
    const key = method.toUpperCase();
    byMethod.set(key, [...(byMethod.get(key) ?? []), { pattern, loadClass }]);
  }
  return (method, url) => {
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    return (
      byMethod.get(method === 'HEAD' ? 'GET' : method)?.find(({ pattern }) => pattern.test(path))?.loadClass ?? UNKNOWN
    );
  };
}
