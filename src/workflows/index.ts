/** Every workflow, for the bundle. */
export { deviceAlerts } from './devices/deviceAlerts';
export { silence } from './devices/silence';
export { driftReport } from './fraud/driftReport';
export { investigation } from './fraud/investigation';
export { redrive } from './operations/redrive';
export { relay } from './operations/relay';
export { shard } from './operations/shard';
export { stream } from './operations/stream';
