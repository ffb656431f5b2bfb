import { type Role, roles } from '../../domain/platform/caller';
import type { AnyRoute } from './router';

/** Whether a role may call a route. `own`: only for the caller's own data. */
export type Allowed = 'yes' | 'own' | 'no';

/**
 * Returns whether a role may call a route; undefined means a caller without a token. docs/routes.md is generated from
 * it.
 */
export function allowed(one: AnyRoute, role: Role | undefined): Allowed {
  if (one.roles === 'public') return 'yes';
  if (role === undefined) return 'no';
  if (role === 'admin') return 'yes';
  if (!one.roles.includes(role)) return 'no';
  return role === 'customer' && !one.shared ? 'own' : 'yes';
}

const signs: Readonly<Record<Allowed, string>> = { yes: '✓', own: 'own', no: '–' };

/** Returns the text of docs/routes.md: every route and the roles that may call it. */
export function routeTable(routes: readonly AnyRoute[]): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  const callers = [...roles, undefined];
  const sections = tags.map((tag) => {
    const rows = routes
      .filter((one) => one.tag === tag)
      .map(
        (one) =>
          `| \`${one.method.toUpperCase()} ${one.path}\` | ` +
          `${callers.map((role) => signs[allowed(one, role)]).join(' | ')} | ${one.summary} |`,
      );
    return (
      `## ${tag}\n\n| route | ${roles.join(' | ')} | nobody | |\n| --- | ${callers.map(() => ':-:').join(' | ')} | ` +
      `--- |\n${rows.join('\n')}\n`
    );
  });
  return `# Who may call what

Every route of the API with the roles that may call it. This page is written by \`npm run docs:routes\` from the \
routes themselves; \`test/api/roles.test.ts\` calls each of them as every role, without a token and with bad ones, and \
expects what this page says.

- **✓** may call it, **–** may not: 403 with a valid token, 401 without one.
- **own**: customers reach what is theirs, by the name of their key or the subject of their JWT; what is somebody \
else's is a 403.
- **nobody**: callers without a token. What they may call is public, or is authenticated by what they hold: a signed \
link (\`/v1/alerts/:token/answer\`, \`/v1/unsubscribe/:token\`) or the cookie of a session (\`/v1/sessions/current\`).

${sections.join('\n')}`;
}
