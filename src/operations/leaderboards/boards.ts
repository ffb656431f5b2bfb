import { LongwatchError } from '../../domain/errors';
import { type Board, type BoardDefinition, FIXED, type Season } from '../../domain/leaderboards/board';
import { currentSeason, faultOfMove, seasonsToPlan } from '../../domain/leaderboards/seasons';
import { type OutboxEntry, signalEntry, startEntry } from '../../domain/platform/outbox';
import type { Ban, BoardStore } from '../../stores/leaderboards/boards';
import type { ScoreStore } from '../../stores/leaderboards/scores';
import type { TransactItem } from '../../stores/platform/outbox';
import { again, againAtOnce, retry } from '../../timing/retry';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import { seasonId, seasonMovedSignal, seasonStart } from '../../domain/leaderboards/workflows';

export interface BoardsParts {
  boards: BoardStore;
  scores: ScoreStore;
  outbox: OutboxWriter;
  onFault(error: unknown): void;
  onSkipped?: OnSkipped;
  now?(): number;
}

export interface BoardsSettings {
  /** How long before a season's end its writes begin to be checked against its fence, in milliseconds. */
  fenceMs: number;
}

/** A board with its latest seasons, newest first. */
export interface BoardView {
  board: Board;
  seasons: readonly Season[];
}

/** A look at a board may be this old: within it every process hears of a season's moved end. */
export const LEASE_MS = 5_000;
/** From this age on it is looked at again in the background. */
const FRESH_MS = 1_000;
const CACHED = 10_000;
/** Bans that are carried over side by side. */
const BANS_AT_ONCE = 8;
/** The one that is planned, the one that runs, those in their grace. */
const SEASONS_AT_HAND = 4;
/** A board is contended by people and by processes that plan its seasons: a handful at once at most. */
const ATTEMPTS = 6;

/** Boards, their seasons and bans: what people set, and what follows from the clock. */
export class Boards {
  private readonly views = new Map<string, { view: BoardView; readAt: number; refreshing: boolean }>();
  private readonly now: () => number;

  constructor(
    private readonly parts: BoardsParts,
    private readonly settings: BoardsSettings,
  ) {
    this.now = parts.now ?? Date.now;
  }

  /** By when every process has heard of a change, and no write is under way any more that was let through before it. */
  get noticeMs(): number {
    return this.settings.fenceMs + 2 * LEASE_MS;
  }

  /** At most `LEASE_MS` old. @throws LongwatchError `notFound` */
  async view(gameId: string): Promise<BoardView> {
    const known = this.views.get(gameId);
    const age = known ? performance.now() - known.readAt : Number.POSITIVE_INFINITY;
    if (
      !known ||
      age > LEASE_MS ||
      seasonsToPlan(known.view.board.seasons, known.view.seasons[0], this.now()).length > 0
    )
      return this.refresh(gameId);
    if (age > FRESH_MS && !known.refreshing) {
      known.refreshing = true;
      void this.refresh(gameId)
        .catch(this.parts.onFault)
        .finally(() => (known.refreshing = false));
    }
    return known.view;
  }

  /** The season that is meant where none is named. @throws LongwatchError `notFound` */
  async seasonOf(gameId: string, asked: number | undefined): Promise<{ board: Board; season: number }> {
    const { board, seasons } = await this.view(gameId);
    const season = asked ?? currentSeason(seasons, this.now())?.number;
    if (season === undefined || season > board.latestSeason)
      throw new LongwatchError('notFound', `Board ${gameId} has no season ${asked ?? ''}`.trim());
    return { board, season };
  }

  /** As it is now. @throws LongwatchError `notFound` */
  async read(gameId: string): Promise<Board> {
    const board = await this.parts.boards.find(gameId);
    if (!board) throw new LongwatchError('notFound', `There is no board ${gameId}; PUT /v1/boards/${gameId} makes one`);
    return board;
  }

  /**
   * Makes a board, or changes the one that is there.
   * @param ifVersion the version that was read, where there is a board already.
   * @throws LongwatchError `conflict` (it is there; or what cannot change is changed), `versionMismatch`.
   */
  async put(
    gameId: string,
    definition: BoardDefinition,
    ifVersion: number | undefined,
  ): Promise<{ version: number; made: boolean }> {
    const found = await this.parts.boards.find(gameId);
    if (!found) {
      if (await this.create(gameId, definition)) return { version: 1, made: true };
      return this.put(gameId, definition, ifVersion);
    }
    if (ifVersion === undefined)
      throw new LongwatchError(
        'versionMismatch',
        `Board ${gameId} is there already; send If-Match with the version that you read (its ETag)`,
      );
    const changed = FIXED.filter((name) => definition[name] !== found[name]);
    if (changed.length > 0)
      throw new LongwatchError(
        'conflict',
        `${changed.join(' and ')} of a board cannot change, since scores were taken by it; make another board`,
      );
    if (!definition.seasons !== !found.seasons)
      throw new LongwatchError('conflict', 'A board cannot begin or cease to have seasons; make another board');
    const version = await this.parts.boards.replace(gameId, definition, ifVersion);
    await this.refresh(gameId);
    return { version, made: false };
  }

  private create(gameId: string, definition: BoardDefinition): Promise<boolean> {
    // One transaction takes the first two; a plan that begins long ago is caught up with later.
    const seasons = seasonsToPlan(definition.seasons, undefined, this.now()).slice(0, 2);
    return this.recording(
      seasons.map((season) => this.startOf(gameId, season)),
      (owed) => this.parts.boards.create(gameId, definition, seasons, owed),
    );
  }

  /** Plans what the clock asks for. @returns how many seasons were planned here. */
  async planSeasons(gameId: string): Promise<number> {
    const board = await this.read(gameId);
    const [latest] = (await this.parts.boards.seasons(gameId, { limit: 1 })).items;
    let planned = 0;
    for (const season of seasonsToPlan(board.seasons, latest, this.now()))
      // When somebody plans at the same time, both plan the same.
      if (await this.recording([this.startOf(gameId, season)], (owed) => this.parts.boards.plan(gameId, season, owed)))
        planned++;
    return planned;
  }

  /** @throws LongwatchError `notFound`, `conflict`, `invalid` (the instant is too soon, or beyond the next season). */
  async moveEnd(gameId: string, number: number, endsAt: number): Promise<Season> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`Season ${number} of ${gameId} is busy`) }, async () => {
      await this.read(gameId);
      const [season, next] = await Promise.all([
        this.parts.boards.season(gameId, number),
        this.parts.boards.season(gameId, number + 1),
      ]);
      if (!season) throw new LongwatchError('notFound', `Board ${gameId} has no season ${number}`);
      if (season.endsAt === undefined) throw new LongwatchError('conflict', 'This board’s season never ends');
      if (season.endsAt === endsAt) return season;
      const fault = faultOfMove(season, next, endsAt, this.now(), this.noticeMs);
      if (fault) throw fault;
      const revision = season.revision + 1;
      const moved = signalEntry(
        seasonMovedSignal(gameId, number),
        `${seasonId(gameId, number)}/${revision}`,
        this.now(),
      );
      if (!(await this.recording([moved], (owed) => this.parts.boards.moveEnd(gameId, season, next, endsAt, owed))))
        return again;
      await this.refresh(gameId);
      return { ...season, endsAt, revision };
    });
  }

  /** Takes a player out of the ranks of every season that is not closed, or with null lets them back. Twice is once. */
  async setBan(gameId: string, playerId: string, given: Omit<Ban, 'at' | 'playerId'> | null): Promise<void> {
    await retry({ attempts: ATTEMPTS, exhausted: () => busy(`Board ${gameId} is busy`) }, async () => {
      const board = await this.read(gameId);
      const { items } = await this.parts.boards.seasons(gameId, { limit: SEASONS_AT_HAND });
      const now = this.now();
      const open = items
        .filter(({ status }) => status === 'open')
        .map(({ number }) => ({
          season: number,
          mark: this.parts.scores.mark(board, number, playerId, given !== null, now),
        }));
      const ban = given && { ...given, playerId, at: now };
      return (await this.parts.boards.setBan(gameId, playerId, ban, board.latestSeason, open)) ? undefined : again;
    });
  }

  /**
   * Bans the players of a board's bans in a season that was planned after them. A player whose mark is refused for good
   * is
   * skipped and reported. @returns how many were skipped.
   */
  async carryBans(gameId: string, season: number, progress: () => void): Promise<number> {
    const board = await this.read(gameId);
    let skipped = 0;
    // A workflow that was lost behind the season's end begins again here: the ranks of a closed season stay as they
    // are.
    if ((await this.parts.boards.season(gameId, season))?.status !== 'open') return skipped;
    let cursor: string | undefined;
    do {
      const page = await this.parts.boards.bans(gameId, { limit: 100, cursor });
      const refused = await skipEachRefused(
        page.items,
        BANS_AT_ONCE,
        ({ playerId }) =>
          this.parts.boards.carryBan(
            gameId,
            playerId,
            this.parts.scores.mark(board, season, playerId, true, this.now()),
          ),
        ({ playerId }, error) =>
          this.parts.onSkipped?.(`the ban of ${playerId} in season ${season} of ${gameId}`, error),
      );
      skipped += refused.size;
      cursor = page.cursor;
      progress();
    } while (cursor !== undefined);
    return skipped;
  }

  private async refresh(gameId: string): Promise<BoardView> {
    const exhausted = () => busy(`The seasons of ${gameId} are being planned`);
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const readAt = performance.now();
      const [board, { items: seasons }] = await Promise.all([
        this.read(gameId),
        this.parts.boards.seasons(gameId, { limit: SEASONS_AT_HAND }),
      ]);
      if (seasonsToPlan(board.seasons, seasons[0], this.now()).length > 0) {
        await this.planSeasons(gameId);
        return againAtOnce;
      }
      const view: BoardView = { board, seasons };
      this.views.delete(gameId);
      this.views.set(gameId, { view, readAt, refreshing: false });
      for (const oldest of this.views.keys()) {
        if (this.views.size <= CACHED) break;
        this.views.delete(oldest);
      }
      return view;
    });
  }

  private startOf(gameId: string, season: Season): OutboxEntry | undefined {
    return season.endsAt === undefined ? undefined : startEntry(seasonStart(gameId, season), this.now());
  }

  /** Writes a change with its outbox entries in one transaction, then dispatches the entries without waiting. */
  private async recording(
    entries: readonly (OutboxEntry | undefined)[],
    write: (items: TransactItem[]) => Promise<boolean>,
  ): Promise<boolean> {
    const recorded = entries.filter((entry) => entry !== undefined);
    const written = await write(recorded.map((entry) => this.parts.outbox.recording(entry)));
    if (written) for (const entry of recorded) this.parts.outbox.dispatchSoon(entry);
    return written;
  }
}

const busy = (what: string): LongwatchError =>
  new LongwatchError('contention', `${what}; try again`, { retryAfterSeconds: 1 });
