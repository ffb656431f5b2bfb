import { defined } from '../defined';
import {
  type Alert,
  type AlertEvent,
  type AlertState,
  nextDeadline,
  nextReading,
  nextSilence,
  stateOf,
} from './alerts';
import { compareRows, type ReadingRow } from './reading';

/** What is known of a device at the moment: its newest reading, and where its alerts stand. */
export interface Live {
  row?: ReadingRow;
  /** By the alert's id. */
  states: Readonly<Record<string, AlertState>>;
  /** Epoch ms; of a device that has never reported, since when its silence is watched. */
  watchedSince?: number;
  /** Epoch ms of the deadline that waits for it; absent when none does. */
  deadline?: number;
}

export const NEVER_SEEN: Live = { states: {} };

export interface LiveStep {
  live: Live;
  events: AlertEvent[];
}

/**
 * New readings of a device. Alerts look at what is newer than all before, in order of time: a late reading tells
 * nothing of the moment. A deadline that waits is left alone; whoever finds it due looks again.
 */
export function liveReadings(live: Live, rows: readonly ReadingRow[], alerts: readonly Alert[]): LiveStep {
  const fresh = rows.filter((row) => !live.row || compareRows(row, live.row) > 0).sort(compareRows);
  const last = fresh.at(-1);
  if (!last) return { live, events: [] };
  const events: AlertEvent[] = [];
  const states: Record<string, AlertState> = {};
  for (const alert of alerts) {
    let state = stateOf(live.states, alert.id);
    for (const row of fresh) {
      const step = nextReading(alert, state, row);
      state = step.state;
      if (step.event) events.push(step.event);
    }
    states[alert.id] = state;
  }
  const deadline = live.deadline ?? nextDeadline(alerts, states, last.timestamp);
  return {
    live: { row: last, states, ...defined({ deadline }) },
    events: events.sort((a, b) => a.at - b.at),
  };
}

/** Begins to watch a device's silence, if an alert asks for it and nothing waits for the device yet. */
export function watchSilence(live: Live, alerts: readonly Alert[], now: number): Live {
  if (live.deadline !== undefined) return live;
  const watchedSince = live.watchedSince ?? now;
  const deadline = nextDeadline(alerts, live.states, live.row?.timestamp ?? watchedSince);
  return deadline === undefined ? live : { ...live, deadline, ...(!live.row && { watchedSince }) };
}

/** A deadline of the device is due: it is silent, or has a later one. */
export function liveDeadline(live: Live, deviceId: string, alerts: readonly Alert[], now: number): LiveStep {
  const lastAt = live.row?.timestamp ?? live.watchedSince ?? now;
  const events: AlertEvent[] = [];
  const states: Record<string, AlertState> = { ...live.states };
  for (const alert of alerts) {
    if (alert.kind !== 'silence') continue;
    const step = nextSilence(alert, stateOf(live.states, alert.id), deviceId, lastAt, now);
    states[alert.id] = step.state;
    if (step.event) events.push(step.event);
  }
  const deadline = nextDeadline(alerts, states, lastAt);
  const { deadline: _due, ...rest } = live;
  return { live: { ...rest, states, ...defined({ deadline }) }, events };
}
