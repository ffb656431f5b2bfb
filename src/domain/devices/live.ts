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

/** The current state of a device: its newest reading and the states of its alerts. */
export interface Live {
  row?: ReadingRow;
  /** By alert id. */
  states: Readonly<Record<string, AlertState>>;
  /** Epoch ms from which the silence of a device is measured that has never sent a reading. */
  watchedSince?: number;
  /** Epoch ms of the device's stored silence deadline; absent when there is none. */
  deadline?: number;
}

/** The state of a device without readings. */
export const NEVER_SEEN: Live = { states: {} };

/** A device's state after a change, and the events to send. */
export interface LiveStep {
  live: Live;
  events: AlertEvent[];
}

/**
 * Applies new readings of a device. Alerts are evaluated on readings that are newer than all previous ones, in order of
 * time, because a late reading says nothing about the current state. A stored deadline stays as it is: when it is due,
 * {@link liveDeadline} computes the next one.
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

/** Starts the measuring of a device's silence, if an alert needs it and no deadline is stored. */
export function watchSilence(live: Live, alerts: readonly Alert[], now: number): Live {
  if (live.deadline !== undefined) return live;
  const watchedSince = live.watchedSince ?? now;
  const deadline = nextDeadline(alerts, live.states, live.row?.timestamp ?? watchedSince);
  return deadline === undefined ? live : { ...live, deadline, ...(!live.row && { watchedSince }) };
}

/** Applies a due deadline: the device is silent, or its next deadline is later. */
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
