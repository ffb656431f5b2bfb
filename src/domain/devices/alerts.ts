import { type MetricValue, metricsOf, type ReadingRow } from './reading';

interface AlertBase {
  /** Chosen by the author of the alert. States and messages refer to it. */
  id: string;
  /** The recipient of the messages; default the team of the devices. */
  recipient?: string | undefined;
}

/** An alert on a metric that stays beyond a value for some time. */
export interface ThresholdAlert extends AlertBase {
  kind: 'threshold';
  metric: string;
  direction: 'above' | 'below';
  value: number;
  /** Hysteresis: a raised alert is cleared only when the metric reaches this value; default `value`. */
  clear?: number | undefined;
  /** Duration for which readings must be beyond the value, in seconds; default 0. */
  forSeconds?: number | undefined;
}

/** An alert on a metric that changes too fast. */
export interface RateAlert extends AlertBase {
  kind: 'rate';
  metric: string;
  direction: 'rise' | 'fall' | 'either';
  perMinute: number;
  /** Hysteresis: a raised alert is cleared only at this rate or a slower one; default `perMinute`. */
  clear?: number | undefined;
}

/** A silence alert: the device has not sent a reading for some time. */
export interface SilenceAlert extends AlertBase {
  kind: 'silence';
  afterSeconds: number;
}

/** Any alert, by kind. */
export type Alert = ThresholdAlert | RateAlert | SilenceAlert;

/** The recipient of alerts without one of their own. */
export const DEFAULT_RECIPIENT = 'team/devices';

/** The state of one alert of one device. */
export interface AlertState {
  phase: 'normal' | 'pending' | 'raised';
  /** Epoch ms of the reading that caused the phase. */
  since?: number;
  /** Only for rate alerts: the previous reading. */
  before?: { at: number; value: number };
  /** Number of times that the alert was raised. */
  episode: number;
}

/** The state of an alert that was never raised. */
export const NORMAL: AlertState = { phase: 'normal', episode: 0 };

/** A raised or cleared alert, to be sent to its recipient. Computing it again gives the same id. */
export interface AlertEvent {
  deviceId: string;
  alertId: string;
  event: 'raised' | 'cleared';
  episode: number;
  /** Epoch ms of the reading; for a silence alert, of the instant at which the device became silent. */
  at: number;
  recipient: string;
  text: string;
}

/** Returns the id of an event, which is also the id of its message. */
export const eventId = ({ deviceId, alertId, episode, event }: AlertEvent): string =>
  `alert/${deviceId}/${alertId}/${episode}/${event}`;

interface Step {
  state: AlertState;
  event?: AlertEvent;
}

/** Applies a device's next reading to an alert. The reading must be newer than all previous ones. */
export function nextReading(alert: Alert, state: AlertState, row: ReadingRow): Step {
  if (alert.kind === 'silence') {
    if (state.phase !== 'raised') return { state };
    return clear(alert, state, row.deviceId, row.timestamp, 'it reports again');
  }
  const value = numeric(metricsOf(row)[alert.metric]);
  if (value === undefined) return { state };
  return alert.kind === 'threshold' ? threshold(alert, state, row, value) : rate(alert, state, row, value);
}

function threshold(alert: ThresholdAlert, state: AlertState, { deviceId, timestamp }: ReadingRow, value: number): Step {
  const { direction, metric, value: bound, forSeconds = 0 } = alert;
  const sign = direction === 'above' ? 1 : -1;
  const isBeyond = sign * (value - bound) > 0;
  if (state.phase === 'raised') {
    const isGood = sign * (value - (alert.clear ?? bound)) <= 0;
    return isGood ? clear(alert, state, deviceId, timestamp, `${metric} is ${value} again`) : { state };
  }
  if (!isBeyond) return { state: { phase: 'normal', episode: state.episode } };
  const since = state.phase === 'pending' ? (state.since ?? timestamp) : timestamp;
  if (timestamp - since < forSeconds * 1000) return { state: { phase: 'pending', since, episode: state.episode } };
  const duration = forSeconds > 0 ? ` for ${Math.round((timestamp - since) / 1000)} s` : '';
  return raise(alert, state, deviceId, timestamp, `${metric} is ${value}, ${direction} ${bound}${duration}`);
}

function rate(alert: RateAlert, state: AlertState, { deviceId, timestamp }: ReadingRow, value: number): Step {
  const { before } = state;
  const seen = { at: timestamp, value };
  if (!before) return { state: { ...state, before: seen } };
  // Two readings of the same instant have no rate.
  if (timestamp <= before.at) return { state };
  const perMinute = (value - before.value) / ((timestamp - before.at) / 60_000);
  const speed = alert.direction === 'rise' ? perMinute : alert.direction === 'fall' ? -perMinute : Math.abs(perMinute);
  const shown = `${alert.metric} changes by ${Number(perMinute.toPrecision(6))} a minute`;
  const after = { ...state, before: seen };
  if (state.phase === 'raised')
    return speed <= (alert.clear ?? alert.perMinute)
      ? clear(alert, after, deviceId, timestamp, shown)
      : { state: after };
  return speed > alert.perMinute
    ? raise(alert, after, deviceId, timestamp, `${shown}, more than ${alert.perMinute}`)
    : { state: after };
}

/** Applies the passing of time to a silence alert. Times are epoch ms. */
export function nextSilence(
  alert: SilenceAlert,
  state: AlertState,
  deviceId: string,
  lastAt: number,
  now: number,
): Step {
  if (state.phase === 'raised' || now < silentAt(alert, lastAt)) return { state };
  return raise(alert, state, deviceId, silentAt(alert, lastAt), `it has sent nothing for ${alert.afterSeconds} s`);
}

/** Returns the epoch ms at which a device becomes silent. */
export const silentAt = ({ afterSeconds }: SilenceAlert, lastAt: number): number => lastAt + afterSeconds * 1000;

/** Returns the earliest deadline (epoch ms) of a device's silence alerts; undefined when there is none. */
export function nextDeadline(
  alerts: readonly Alert[],
  states: Readonly<Record<string, AlertState>>,
  lastAt: number,
): number | undefined {
  const due = alerts.flatMap((alert) =>
    alert.kind === 'silence' && stateOf(states, alert.id).phase !== 'raised' ? [silentAt(alert, lastAt)] : [],
  );
  return due.length === 0 ? undefined : Math.min(...due);
}

/** Returns the state of an alert, which is {@link NORMAL} if none is stored. */
export const stateOf = (states: Readonly<Record<string, AlertState>>, alertId: string): AlertState =>
  Object.hasOwn(states, alertId) ? (states[alertId] ?? NORMAL) : NORMAL;

function raise(alert: Alert, state: AlertState, deviceId: string, at: number, what: string): Step {
  const episode = state.episode + 1;
  return {
    state: { ...state, phase: 'raised', since: at, episode },
    event: eventOf('raised', alert, episode, deviceId, at, what),
  };
}

function clear(alert: Alert, { since: _over, ...state }: AlertState, deviceId: string, at: number, what: string): Step {
  return { state: { ...state, phase: 'normal' }, event: eventOf('cleared', alert, state.episode, deviceId, at, what) };
}

function eventOf(
  kind: AlertEvent['event'],
  { id, recipient = DEFAULT_RECIPIENT }: Alert,
  episode: number,
  deviceId: string,
  at: number,
  what: string,
): AlertEvent {
  return { deviceId, alertId: id, event: kind, episode, at, recipient, text: `Device ${deviceId}: ${what}` };
}

function numeric(value: MetricValue | undefined): number | undefined {
  return typeof value === 'string' || value === undefined ? undefined : Number(value);
}
