import { iso } from '../ids';

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;

/** A day in UTC, "2026-01-31". */
export type Day = string;

/** Returns the day of an instant. */
export const dayOf = (epochMs: number): Day => iso(epochMs).slice(0, 10);

/** Returns the epoch ms of a day's first instant. */
export const dayStart = (day: Day): number => Date.parse(`${day}T00:00:00.000Z`);

/** Returns the epoch ms of the first instant after a day. */
export const dayEnd = (day: Day): number => dayStart(day) + DAY_MS;

/** Returns the day some days later, or earlier if negative. */
export const addDays = (day: Day, days: number): Day => dayOf(dayStart(day) + days * DAY_MS);

/** Returns whether a text is a day of the calendar. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(Date.parse(text)) === text;
}

/** Generates the days of a period (epoch ms, `to` exclusive), oldest first. */
export function* daysBetween(from: number, to: number): Generator<Day> {
  for (let at = dayStart(dayOf(from)); at < to; at += DAY_MS) yield dayOf(at);
}
