import { LRUCache } from 'lru-cache';
import { LongwatchError } from '../../domain/errors';
import { type Board, type BoardDefinition, faultOfRedefinition, type Season } from '../../domain/leaderboards/board';
import { currentSeason, faultOfMove, seasonsToPlan } from '../../domain/leaderboards/seasons';
import { type OutboxEntry, signalEntry, startEntry } from '../../domain/platform/outbox';
import type { Ban, BoardStore } from '../../stores/leaderboards/boards';
import type { ScoreStore } from '../../stores/leaderboards/scores';
import type { TransactItem } from '../../stores/platform/outbox';
import { again, againAtOnce, retry } from '../../timing/retry';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import { seasonId, seasonMovedSignal, seasonStart } from '../../domain/leaderboards/workflows';
import { type Clock, monotonicClock, systemClock } from '../../timing/clock';

/** The parts that {@link Boards} needs. */
export interface BoardsParts {
  boards: BoardStore;
  scores: ScoreStore;
  outbox: OutboxWriter;
  onFault(error: unknown): void;
  onSkipped?: OnSkipped;
  clock?: Clock;
}

/** The settings of {@link Boards}. */
export interface BoardsSettings {
  /** From this many milliseconds before a season's end, each submission's write checks that the season is open. */
  fenceMs: number;
}

/** A board with its latest seasons, newest first. */
export interface BoardView {
  board: Board;
  seasons: readonly Season[];
}

interface CachedView {
  view: BoardView;
  /** On the monotonic clock, in milliseconds. */
  readAt: number;
  refreshing: boolean;
}

/** Maximum age of a cached board. Within this time every process learns that a season's end was moved. */
export const LEASE_MS = 5_000;
/** A cached board that is older than this is refreshed in the background. */
const FRESH_MS = 1_000;
/** Maximum number of cached boards. */
const CACHED = 10_000;
/** Number of bans that are carried over in parallel. */
const BANS_AT_ONCE = 8;
/** Maximum attempts at a change. Only admins and the processes that plan seasons change a board, so few collide. */
const ATTEMPTS = 6;

/** Boards, their seasons and bans: the changes that admins make, and the seasons that are planned over time. */
export class Boards {
  private readonly views = new LRUCache<string, CachedView>({ max: CACHED });
  private readonly clock: Clock;

  constructor(
    private readonly parts: BoardsParts,
    private readonly settings: BoardsSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Time after a change until every process knows it and no write that a process allowed before is still in progress,
   * in milliseconds.
   */
  get noticeMs(): number {
    return this.settings.fenceMs + 2 * LEASE_MS;
  }

  /**
   * Returns a board with its latest seasons, at most `LEASE_MS` old.
   * @throws LongwatchError `notFound`
   */
  async view(gameId: string): Promise<BoardView> {
    const known = this.views.get(gameId);
    const age = known ? monotonicClock.now() - known.readAt : Number.POSITIVE_INFINITY;
    if (
      !known ||
      age > LEASE_MS ||
      seasonsToPlan(known.view.board.seasons, known.view.seasons[0], this.clock.now()).length > 0
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

  /**
   * Returns a board and the number of a season: the given one, or the current one.
   * @throws LongwatchError `notFound` (no such board or season)
   */
  async seasonOf(gameId: string, asked: number | undefined): Promise<{ board: Board; season: number }> {
    const { board, seasons } = await this.view(gameId);
    const season = asked ?? currentSeason(seasons, this.clock.now())?.number;
    if (season === undefined || season > board.latestSeason)
      throw new LongwatchError('notFound', `Board ${gameId} has no season ${asked ?? ''}`.trim());
    return { board, season };
  }

  /**
   * Reads a board from DynamoDB.
   * @throws LongwatchError `notFound`
   */
  async read(gameId: string): Promise<Board> {
    const board = await this.parts.boards.find(gameId);
    if (!board)
      throw new LongwatchError('notFound', `There is no board ${gameId}; create it with PUT /v1/boards/${gameId}`);
    return board;
  }

  /**
   * Creates a board, or changes an existing one.
   * @param ifVersion the version that the caller read; required to change an existing board
   * @returns the new version, and whether the board was created
   * @throws LongwatchError `conflict` (a field that cannot change), `versionMismatch`
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
        `Board ${gameId} exists already; send If-Match with the version that you read (its ETag)`,
      );
    const fault = faultOfRedefinition(found, definition);
    if (fault) throw fault;
    const version = await this.parts.boards.replace(gameId, definition, ifVersion);
    await this.refresh(gameId);
    return { version, made: false };
  }

  private create(gameId: string, definition: BoardDefinition): Promise<boolean> {
    // A transaction has room for the first two seasons. `planSeasons` plans the rest of a schedule that began long ago.
    const seasons = seasonsToPlan(definition.seasons, undefined, this.clock.now()).slice(0, 2);
    return this.recording(
      seasons.map((season) => this.startOf(gameId, season)),
      (owed) => this.parts.boards.create(gameId, definition, seasons, owed),
    );
  }

  /**
   * Plans the seasons that are due.
   * @returns the number of seasons that this call planned
   */
  async planSeasons(gameId: string): Promise<number> {
    const board = await this.read(gameId);
    const [latest] = (await this.parts.boards.seasons(gameId, { limit: 1 })).items;
    let planned = 0;
    for (const season of seasonsToPlan(board.seasons, latest, this.clock.now()))
      // Race: another process plans at the same time. Both plan the same seasons.
      if (await this.recording([this.startOf(gameId, season)], (owed) => this.parts.boards.plan(gameId, season, owed)))
        planned++;
    return planned;
  }

  /**
   * Moves the end of a season, and signals the season's workflow.
   * @param endsAt epoch ms
   * @throws LongwatchError `notFound`, `conflict` (the season never ends), `invalid` (the new end is too soon or after
   *   the next season's end), `contention`
   */
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
      const fault = faultOfMove(season, next, endsAt, this.clock.now(), this.noticeMs);
      if (fault) throw fault;
      const revision = season.revision + 1;
      const moved = signalEntry(
        seasonMovedSignal(gameId, number),
        `${seasonId(gameId, number)}/${revision}`,
        this.clock.now(),
      );
      if (!(await this.recording([moved], (owed) => this.parts.boards.moveEnd(gameId, season, next, endsAt, owed))))
        return again;
      await this.refresh(gameId);
      return { ...season, endsAt, revision };
    });
  }

  /**
   * Bans a player: removes the player from the ranks of every season that is not closed. With null, removes the ban. A
   * repeated call changes nothing.
   * @throws LongwatchError `notFound`, `contention`
   */
  async setBan(gameId: string, playerId: string, given: Omit<Ban, 'at' | 'playerId'> | null): Promise<void> {
    await retry({ attempts: ATTEMPTS, exhausted: () => busy(`Board ${gameId} is busy`) }, async () => {
      const board = await this.read(gameId);
      const seasons = await this.parts.boards.latestSeasons(gameId);
      const now = this.clock.now();
      const open = seasons
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
   * Applies a board's bans to a season that was planned after them. Skips and reports a player whose write is refused
   * permanently.
   * @returns the number of skipped players
   */
  async carryBans(gameId: string, season: number, progress: () => void): Promise<number> {
    const board = await this.read(gameId);
    let skipped = 0;
    // A workflow that was lost after the season's end is restarted here. The ranks of a closed season must not change.
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
            this.parts.scores.mark(board, season, playerId, true, this.clock.now()),
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
      const readAt = monotonicClock.now();
      const [board, seasons] = await Promise.all([this.read(gameId), this.parts.boards.latestSeasons(gameId)]);
      if (seasonsToPlan(board.seasons, seasons[0], this.clock.now()).length > 0) {
        await this.planSeasons(gameId);
        return againAtOnce;
      }
      const view: BoardView = { board, seasons };
      this.views.set(gameId, { view, readAt, refreshing: false });
      return view;
    });
  }

  private startOf(gameId: string, season: Season): OutboxEntry | undefined {
    return season.endsAt === undefined ? undefined : startEntry(seasonStart(gameId, season), this.clock.now());
  }

  /**
   * Writes a change and its outbox entries in one transaction, then dispatches the entries in the background.
   * @returns false if the change lost a race
   */
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
