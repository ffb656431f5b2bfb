import { type MetricValue, metricsOf, type ReadingRow } from './reading';

interface AlertBase {
  /** Chosen by whoever defines it; states and messages go by it. */
  id: string;
  /** Who is told; default the team of the devices. */
  recipient?: string | undefined;
}

/** A metric beyond a value, for some time. */
export interface ThresholdAlert extends AlertBase {
  kind: 'threshold';
  metric: string;
  direction: 'above' | 'below';
  value: number;
  /** Hysteresis: a raised alert is cleared only at or on the good side of this; default `value`. */
  clear?: number | undefined;
  /** Raised once readings have been beyond it for so long; default at once. */
  forSeconds?: number | undefined;
}

/** A metric that changes faster than so much a minute. */
export interface RateAlert extends AlertBase {
  kind: 'rate';
  metric: string;
  direction: 'rise' | 'fall' | 'either';
  perMinute: number;
  /** Cleared only at this rate or slower; default `perMinute`. */
  clear?: number | undefined;
}

/** No reading for so long. */
export interface SilenceAlert extends AlertBase {
  kind: 'silence';
  afterSeconds: number;
}

export type Alert = ThresholdAlert | RateAlert | SilenceAlert;

export const DEFAULT_RECIPIENT = 'team/devices';

/** Where one alert of one device stands. */
export interface AlertState {
  phase: 'normal' | 'pending' | 'raised';
  /** Epoch ms; of the reading that it became so by. */
  since?: number;
  /** Of a rate: the reading before. */
  before?: { at: number; value: number };
  /** How often it was raised. */
  episode: number;
}

export const NORMAL: AlertState = { phase: 'normal', episode: 0 };

/** What people are told. Its id is the same however often it is worked out. */
export interface AlertEvent {
  deviceId: string;
  alertId: string;
  event: 'raised' | 'cleared';
  episode: number;
  /** Epoch ms, of the reading; of a silence, when it was one. */
  at: number;
  recipient: string;
  text: string;
}

export const eventId = ({ deviceId, alertId, episode, event }: AlertEvent): string =>
  `alert/${deviceId}/${alertId}/${episode}/${event}`;

interface Step {
  state: AlertState;
  event?: AlertEvent;
}

/** One alert and the next reading of its device, which is newer than all before. */
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
  // Two readings of one instant have no rate.
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

/** What the passing of time makes of a silence alert. */
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

/** Epoch ms at which a device counts as silent. */
export const silentAt = ({ afterSeconds }: SilenceAlert, lastAt: number): number => lastAt + afterSeconds * 1000;

/** When a device's silence is to be looked at next; undefined when nothing of it waits. */
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
