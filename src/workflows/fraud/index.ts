import { fraudLifecycles } from '../../domain/fraud/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(fraudLifecycles);
export { driftReport } from './driftReport';
export { investigation } from './investigation';
