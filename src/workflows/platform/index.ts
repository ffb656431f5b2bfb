import { platformLifecycles } from '../../domain/platform/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(platformLifecycles);
export { redrive } from './redrive';
export { reconciler, reconciliation } from './reconciler';
export { relay } from './relay';
export { shard } from './shard';
export { stream } from './stream';
