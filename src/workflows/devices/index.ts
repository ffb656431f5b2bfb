import { deviceLifecycles } from '../../domain/devices/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(deviceLifecycles);
export { archiveDay } from './archiveDay';
export { archiveDue } from './archiveDue';
export { deviceAlerts } from './deviceAlerts';
export { eraseDay, eraseDevice } from './eraseDevice';
export { expireDay, restoreDay } from './restoreDay';
export { rollupCheck, rollupCheckDay } from './rollupCheck';
export { silence } from './silence';
