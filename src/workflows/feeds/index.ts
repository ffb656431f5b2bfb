import { feedLifecycles } from '../../domain/feeds/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(feedLifecycles);
export { fanOut } from './fanOut';
export { relation } from './relation';
export { retract } from './retract';
export { turn } from './turn';
