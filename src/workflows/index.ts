/** Every workflow, for the bundle. */
export { cart } from './carts/cart';
export { checkout } from './carts/checkout';
export { driftReport } from './fraud/driftReport';
export { investigation } from './fraud/investigation';
export { redrive } from './operations/redrive';
export { relay } from './operations/relay';
export { shard } from './operations/shard';
export { stream } from './operations/stream';
export { rankCheck } from './leaderboards/rankCheck';
export { season } from './leaderboards/season';
export { seasonMoved } from './leaderboards/seasonMoved';
export { sessionExpiry } from './sessions/sessionExpiry';
