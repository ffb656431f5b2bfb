import { cartLifecycles } from '../../src/domain/carts/lifecycles';
import { deviceLifecycles } from '../../src/domain/devices/lifecycles';
import { feedLifecycles } from '../../src/domain/feeds/lifecycles';
import { fraudLifecycles } from '../../src/domain/fraud/lifecycles';
import { leaderboardLifecycles } from '../../src/domain/leaderboards/lifecycles';
import { platformLifecycles } from '../../src/domain/platform/lifecycles';
import { everything } from '../../src/graph/capabilities';
import { sessionLifecycles } from '../../src/domain/sessions/lifecycles';

/** The rule of every workflow type, so that the compiler asks for a test's entry of a new type. */
export const lifecycleRules = {
  ...platformLifecycles,
  ...fraudLifecycles,
  ...sessionLifecycles,
  ...cartLifecycles,
  ...leaderboardLifecycles,
  ...feedLifecycles,
  ...deviceLifecycles,
};

export type WorkflowType = keyof typeof lifecycleRules;

/** The names of every workflow that a worker's bundle exports. */
export const exportedWorkflows = (): string[] =>
  everything.workflowsPaths().flatMap((path) => Object.keys(require(path) as object));
