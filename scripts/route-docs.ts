import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { routeTable } from '../src/api/http/routeTable';
import { runScript } from './commandLine';

runScript(
  {
    name: 'docs:routes',
    about: 'Writes docs/routes.md from the routes in the code. A test fails while the file is out of date.',
    examples: [['', 'after a route or its description has changed']],
  },
  (cli) => cli,
  async () => {
    const { listRoutes } = await import('./routes/list.js');
    writeFileSync(join(__dirname, '../docs/routes.md'), routeTable(await listRoutes()));
    process.exit(); // The timers of the graph keep the process alive.
  },
);
