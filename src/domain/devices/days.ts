import { iso } from '../ids';

export const DAY_MS = 86_400_000;

/** A day in UTC, "2026-01-31". */
export type Day = string;

export const dayOf = (epochMs: number): Day => iso(epochMs).slice(0, 10);

/** Epoch ms of a day's first instant. */
export const dayStart = (day: Day): number => Date.parse(`${day}T00:00:00.000Z`);

/** Epoch ms of the first instant after a day. */
export const dayEnd = (day: Day): number => dayStart(day) + DAY_MS;

export const addDays = (day: Day, days: number): Day => dayOf(dayStart(day) + days * DAY_MS);

/** Whether a text is a day that the calendar has. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(Date.parse(text)) === text;
}

/** The days that a stretch of time touches, its end left out, oldest first. */
export function* daysBetween(from: number, to: number): Generator<Day> {
  for (let at = dayStart(dayOf(from)); at < to; at += DAY_MS) yield dayOf(at);
}
