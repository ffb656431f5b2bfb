import { sessionLifecycles } from '../../domain/sessions/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(sessionLifecycles);
export { sessionExpiry } from './sessionExpiry';
