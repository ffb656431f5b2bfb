import { Cron } from 'croner';
import { defined } from '../defined';
import { LongwatchError } from '../errors';
import { iso } from '../ids';
import type { Season, SeasonPlan } from './board';

/** Maximum number of seasons planned at once. A board that was not used for a long time catches up in several steps. */
const MAX_PLANNED = 30;

/** Returns the fault of a recurrence, or undefined. */
export function faultOfRecurrence(recurrence: string, timeZone: string): string | undefined {
  try {
    return new Cron(recurrence, { timezone: timeZone, paused: true, mode: '5-part' }).nextRun()
      ? undefined
      : 'never occurs';
  } catch (error) {
    return `must be a cron expression of five fields: ${(error as Error).message}`;
  }
}

/** Returns the first time of a recurrence after an instant (epoch ms). */
function nextTime({ recurrence, timeZone }: SeasonPlan, after: number): number | undefined {
  if (recurrence === undefined) return undefined;
  return new Cron(recurrence, { timezone: timeZone, paused: true, mode: '5-part' }).nextRun(new Date(after))?.getTime();
}

/**
 * Returns the seasons to plan at an instant. One season after the current one is always planned, so that it begins on
 * time even if no process runs then. Every process computes the same seasons.
 */
export function seasonsToPlan(plan: SeasonPlan | undefined, latest: Season | undefined, now: number): Season[] {
  const planned: Season[] = [];
  for (let last = latest; planned.length < MAX_PLANNED && (!last || last.startsAt <= now);) {
    const next = nextSeason(plan, last, now);
    if (!next) break;
    planned.push(next);
    last = next;
  }
  return planned;
}

function nextSeason(plan: SeasonPlan | undefined, last: Season | undefined, now: number): Season | undefined {
  const fresh = { status: 'open', revision: 0, graceMs: plan?.graceMs ?? 0 } as const;
  if (!last) {
    const startsAt = plan?.startsAt ?? now;
    const endsAt = plan?.endsAt ?? (plan && nextTime(plan, startsAt));
    return { ...fresh, number: 1, startsAt, ...defined({ endsAt }) };
  }
  const endsAt = plan && last.endsAt !== undefined ? nextTime(plan, last.endsAt) : undefined;
  if (last.endsAt === undefined || endsAt === undefined) return undefined;
  return { ...fresh, number: last.number + 1, startsAt: last.endsAt, endsAt };
}

const runsAt = ({ startsAt, endsAt = Number.POSITIVE_INFINITY }: Season, at: number): boolean =>
  startsAt <= at && at < endsAt;

/**
 * Returns the season of a score. Usually it is the season that runs by the server's clock. In the grace period after a
 * season's end it is that season, if the game says that the score was reached before the end.
 */
export function seasonOf(seasons: readonly Season[], now: number, reachedAt?: number): Season | undefined {
  const late =
    reachedAt === undefined ? undefined : seasons.find((season) => runsAt(season, reachedAt) && isInGrace(season, now));
  return late ?? seasons.find((season) => runsAt(season, now));
}

/**
 * Returns the error for a submission while no season runs; it names the beginning of the next one.
 * @param seasons newest first
 * @returns LongwatchError `conflict`
 */
export function noSeason(seasons: readonly Season[], now: number): LongwatchError {
  const coming = seasons.findLast(({ startsAt }) => startsAt > now);
  return new LongwatchError(
    'conflict',
    coming
      ? `No season is running; the next one begins at ${iso(coming.startsAt)}`
      : 'No season is running, and no further season is planned',
  );
}

function isInGrace({ endsAt, graceMs }: Season, now: number): boolean {
  return endsAt !== undefined && now >= endsAt && now < endsAt + graceMs;
}

/** Returns the default season of a request: the running one, else the last that has begun, else the first. */
export function currentSeason(seasons: readonly Season[], now: number): Season | undefined {
  const begun = seasons.filter(({ startsAt }) => startsAt <= now);
  return seasons.find((season) => runsAt(season, now)) ?? begun.sort((a, b) => b.number - a.number)[0] ?? seasons[0];
}

/**
 * Returns why a season's end cannot be moved to `endsAt`, or undefined.
 * @param noticeMs time in which every process learns of the new end, because processes cache seasons.
 */
export function faultOfMove(
  season: Season,
  next: Season | undefined,
  endsAt: number,
  now: number,
  noticeMs: number,
): LongwatchError | undefined {
  const soonest = now + noticeMs;
  if (season.status !== 'open')
    return new LongwatchError('conflict', `Season ${season.number} is already ${season.status}`);
  if (season.endsAt !== undefined && season.endsAt < soonest)
    return new LongwatchError(
      'conflict',
      `Season ${season.number} ends at ${iso(season.endsAt)}: too soon for every process to learn of a new end`,
    );
  const fault = (message: string) =>
    new LongwatchError('invalid', `endsAt ${message}`, { faults: [{ field: 'endsAt', message }] });
  if (endsAt < soonest) return fault(`must be ${iso(soonest)} or later, so that every process learns of it in time`);
  if (endsAt <= season.startsAt) return fault(`must be after the season’s start, ${iso(season.startsAt)}`);
  if (next?.endsAt !== undefined && endsAt >= next.endsAt)
    return fault(`must be before the next season’s end, ${iso(next.endsAt)}`);
  return undefined;
}
