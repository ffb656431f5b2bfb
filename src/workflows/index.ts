/** Every workflow, for the bundle. */
export { archiveDay } from './devices/archiveDay';
export { archiveDue } from './devices/archiveDue';
export { deviceAlerts } from './devices/deviceAlerts';
export { eraseDay, eraseDevice } from './devices/eraseDevice';
export { expireDay, restoreDay } from './devices/restoreDay';
export { silence } from './devices/silence';
export { driftReport } from './fraud/driftReport';
export { investigation } from './fraud/investigation';
export { redrive } from './operations/redrive';
export { relay } from './operations/relay';
export { shard } from './operations/shard';
export { stream } from './operations/stream';
