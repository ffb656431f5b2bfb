import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { routeTable } from '../src/api/http/routeTable';
import { listRoutes } from './routes/list';

/** Writes docs/routes.md from the routes; a test fails while it is not current. */
void listRoutes().then((routes) => {
  writeFileSync(join(__dirname, '../docs/routes.md'), routeTable(routes));
  process.exit(); // The graph has timers.
});
