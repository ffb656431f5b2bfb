import { leaderboardLifecycles } from '../../domain/leaderboards/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(leaderboardLifecycles);
export { rankCheck } from './rankCheck';
export { season } from './season';
export { seasonMoved } from './seasonMoved';
