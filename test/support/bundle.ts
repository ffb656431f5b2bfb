import { everything } from '../../src/graph/capabilities';
import { bundle } from '../../src/workers/bundle';

/** The workflows as one file, bundled once for all tests and the processes that they start. */
export async function workflowBundle(): Promise<{ codePath: string }> {
  const bundled = await bundle(everything.workflowsPaths());
  if ('codePath' in bundled) return bundled;
  throw new Error('The bundle could not be stored below node_modules');
}
