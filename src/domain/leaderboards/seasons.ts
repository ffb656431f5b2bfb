import { Cron } from 'croner';
import { defined } from '../defined';
import { LongwatchError } from '../errors';
import { iso } from '../ids';
import type { Season, SeasonPlan } from './board';

/** Seasons that one look plans at most: a board that nobody used for long catches up bit by bit. */
const MAX_PLANNED = 30;

/** Why a recurrence is none, or undefined. */
export function faultOfRecurrence(recurrence: string, timeZone: string): string | undefined {
  try {
    return new Cron(recurrence, { timezone: timeZone, paused: true, mode: '5-part' }).nextRun()
      ? undefined
      : 'never comes round';
  } catch (error) {
    return `must be a cron expression of five fields: ${(error as Error).message}`;
  }
}

/** The first time of a recurrence after an instant (epoch ms). */
function nextTime({ recurrence, timeZone }: SeasonPlan, after: number): number | undefined {
  if (recurrence === undefined) return undefined;
  return new Cron(recurrence, { timezone: timeZone, paused: true, mode: '5-part' }).nextRun(new Date(after))?.getTime();
}

/**
 * The seasons to be planned by now: there is always one more than the one that runs, so that the next begins whether
 * anybody is there to open it or not. The same from wherever it is asked.
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
 * The season that a score belongs to: the one that runs, by the server's clock; in the grace after a season's end that
 * season, when the game says that the score was reached within it.
 */
export function seasonOf(seasons: readonly Season[], now: number, reachedAt?: number): Season | undefined {
  const late =
    reachedAt === undefined ? undefined : seasons.find((season) => runsAt(season, reachedAt) && isInGrace(season, now));
  return late ?? seasons.find((season) => runsAt(season, now));
}

function isInGrace({ endsAt, graceMs }: Season, now: number): boolean {
  return endsAt !== undefined && now >= endsAt && now < endsAt + graceMs;
}

/** The season that people mean who name none: the one that runs, else the last that has begun, else the first. */
export function currentSeason(seasons: readonly Season[], now: number): Season | undefined {
  const begun = seasons.filter(({ startsAt }) => startsAt <= now);
  return seasons.find((season) => runsAt(season, now)) ?? begun.sort((a, b) => b.number - a.number)[0] ?? seasons[0];
}

/** Why a season's end cannot be moved so, or undefined. @param noticeMs by when every process has heard of it. */
export function faultOfMove(
  season: Season,
  next: Season | undefined,
  endsAt: number,
  now: number,
  noticeMs: number,
): LongwatchError | undefined {
  const soonest = now + noticeMs;
  if (season.status !== 'open')
    return new LongwatchError('conflict', `Season ${season.number} is ${season.status} already`);
  if (season.endsAt !== undefined && season.endsAt < soonest)
    return new LongwatchError(
      'conflict',
      `Season ${season.number} ends at ${iso(season.endsAt)}: too soon for every process to hear of another end`,
    );
  const fault = (message: string) =>
    new LongwatchError('invalid', `endsAt ${message}`, { faults: [{ field: 'endsAt', message }] });
  if (endsAt < soonest) return fault(`must be ${iso(soonest)} or later, so that every process hears of it in time`);
  if (endsAt <= season.startsAt) return fault(`must be after the season’s start, ${iso(season.startsAt)}`);
  if (next?.endsAt !== undefined && endsAt >= next.endsAt)
    return fault(`must be before the next season’s end, ${iso(next.endsAt)}`);
  return undefined;
}
