import type { QueueState, TemporalOverview } from '../../../gateways/temporal/visibility';
import type { Backlog } from '../../../domain/platform/outbox';
import type { ReconciliationReport, ReconciliationMode } from '../../../domain/platform/reconciliation';
import { type Bounded, deadLetterCount } from '../../../stores/platform/deadLetterCount';
import type { Db } from '../../../stores/dynamodb';
import type { CaseRecord, InvestigationStore } from '../../../stores/fraud/investigations';
import { type SharedResult, sharedRead } from './sharedRead';
import { type Clock, systemClock } from '../../../timing/clock';

/**
 * What a figure covers. `all`: all processes. `process`: this process since it started. `table`: a table's item count,
 * which DynamoDB updates about every six hours.
 */
export type Scope = 'all' | 'process' | 'table';

/** A figure of the overview page. */
export interface Figure {
  /** `open carts`, `payments approved`. */
  label: string;
  value: number;
  scope: Scope;
  /** Whether the true number is larger than `value`. */
  more?: boolean;
}

/** A source of figures for one capability. One source can be unavailable while the others work. */
export interface FigureSource {
  /** The capability's name. */
  area: string;
  /** How long callers share one read of the figures, in milliseconds. */
  forMs: number;
  figures(): Promise<Figure[]>;
}

/**
 * The large figure of a capability: the figure with a given label, or the sum of the figures whose labels start with a
 * prefix.
 */
export interface Lead {
  label: string;
  of: { label: string } | { labelsFrom: string };
}

/** How far this process is behind in a stream. */
export interface StreamLag {
  stream: string;
  /**
   * Lag of the shard that is furthest behind, in milliseconds, among the shards that this process reads. Null if it
   * reads none.
   */
  lagMs: number | null;
}

/** The state of a part of the system (DynamoDB, Temporal, the workers, …) and its address. */
export interface PartState {
  name: string;
  state: 'ok' | 'unavailable' | 'starting' | 'elsewhere' | 'configured' | 'none';
  address?: string;
}

/** The parts that {@link Overview} needs. */
export interface OverviewParts {
  db: Db;
  /** Counts the outbox entries that are due at an instant (epoch ms). */
  backlog(dueBy: number): Promise<Backlog[]>;
  /** Absent if no capability of this process has cases. */
  cases?: Pick<InvestigationStore, 'byStatus'>;
  temporal: TemporalOverview;
  queues: readonly string[];
  letterSources: readonly string[];
  sources: readonly FigureSource[];
  /** Titles of the capabilities that the page shows, by name. */
  titles: Readonly<Record<string, string>>;
  leads: Readonly<Record<string, Lead>>;
  states(): Promise<PartState[]>;
  streamLag(): Promise<StreamLag[]>;
  lastLooks(): Promise<ReconciliationReports>;
  clock?: Clock;
}

/** The last reconciliation of each mode, if there was one. */
export type ReconciliationReports = Partial<Record<ReconciliationMode, ReconciliationReport>>;

/** The content of the overview page. */
export interface Snapshot {
  at: number;
  parts: SharedResult<PartState[]>;
  capabilities: { area: string; title: string; lead?: Figure; figures: Figure[]; unavailable: boolean }[];
  cases: SharedResult<{ open: CaseRecord[]; more: boolean }>;
  queues: SharedResult<QueueState[]>;
  streams: SharedResult<StreamLag[]>;
  owed: SharedResult<Backlog[]>;
  reconciler: SharedResult<ReconciliationReports>;
  deadLetters: SharedResult<{ stream: string; letters: Bounded }[]>;
}

/** Maximum number of cases on the page. Temporal's Web UI lists all cases. */
const CASES = 25;
/**
 * The process that recorded an outbox entry dispatches it within moments. An entry that is overdue by more than this
 * waits for the relay, so the page counts it.
 */
const OVERDUE_MS = 5_000;

/**
 * Reads the content of the overview page. It never scans a table: it reads existing counters, sparse indexes, and
 * descriptions of tables and queues. All callers in this process share each read for some seconds.
 */
export class Overview {
  private readonly clock: Clock;
  private readonly titles: OverviewParts['titles'];
  private readonly leads: OverviewParts['leads'];
  private readonly parts: () => Promise<SharedResult<PartState[]>>;
  private readonly cases: () => Promise<SharedResult<{ open: CaseRecord[]; more: boolean }>>;
  private readonly queues: () => Promise<SharedResult<QueueState[]>>;
  private readonly streams: () => Promise<SharedResult<StreamLag[]>>;
  private readonly owed: () => Promise<SharedResult<Backlog[]>>;
  private readonly reconciler: () => Promise<SharedResult<ReconciliationReports>>;
  private readonly deadLetters: () => Promise<SharedResult<{ stream: string; letters: Bounded }[]>>;
  private readonly sources: readonly { area: string; read: () => Promise<SharedResult<Figure[]>> }[];

  constructor(parts: OverviewParts) {
    const { db, cases, temporal, clock = systemClock } = parts;
    this.clock = clock;
    this.titles = parts.titles;
    this.leads = parts.leads;
    this.parts = sharedRead(() => parts.states(), { forMs: 2_000 });
    this.cases = sharedRead(async () => (cases ? openCases(cases) : { open: [], more: false }), { forMs: 3_000 });
    this.queues = sharedRead(() => temporal.queues(parts.queues), { forMs: 10_000, boundMs: 4_000 });
    this.streams = sharedRead(() => parts.streamLag(), { forMs: 1_000 });
    this.owed = sharedRead(() => parts.backlog(clock.now() - OVERDUE_MS), { forMs: 10_000 });
    this.reconciler = sharedRead(() => parts.lastLooks(), { forMs: 5_000 });
    this.deadLetters = sharedRead(
      async () =>
        Promise.all(
          parts.letterSources.map(async (stream) => ({ stream, letters: await deadLetterCount(db, stream) })),
        ),
      { forMs: 30_000 },
    );
    this.sources = parts.sources.map(({ area, forMs, figures }) => ({
      area,
      read: sharedRead(figures, { forMs, boundMs: 4_000 }),
    }));
  }

  /** Returns the content of the page. Never throws: a source that fails is marked as unavailable in the snapshot. */
  async snapshot(): Promise<Snapshot> {
    const [parts, cases, queues, streams, owed, reconciler, deadLetters, figures] = await Promise.all([
      this.parts(),
      this.cases(),
      this.queues(),
      this.streams(),
      this.owed(),
      this.reconciler(),
      this.deadLetters(),
      Promise.all(this.sources.map(async ({ area, read }) => ({ area, found: await read() }))),
    ]);
    const capabilities = Object.entries(this.titles).map(([area, title]) => {
      const found = figures.filter((one) => one.area === area).map((one) => one.found);
      const all = found.flatMap((one) => ('value' in one ? one.value : []));
      const lead = this.leads[area] && leadOf(this.leads[area], all);
      return {
        area,
        title,
        ...(lead && { lead: lead.figure }),
        figures: lead ? lead.rest : all,
        unavailable: found.some((one) => !('value' in one)),
      };
    });
    return { at: this.clock.now(), parts, capabilities, cases, queues, streams, owed, reconciler, deadLetters };
  }
}

/**
 * Returns the large figure and the figures beside it. A large figure that is a sum is shown in addition to its parts.
 */
function leadOf({ label, of }: Lead, figures: readonly Figure[]): { figure: Figure; rest: Figure[] } {
  const parts = figures.filter((one) => ('label' in of ? one.label === of.label : one.label.startsWith(of.labelsFrom)));
  const value = parts.reduce((sum, one) => sum + one.value, 0);
  return {
    figure: { label, value, scope: parts[0]?.scope ?? 'process' },
    rest: 'label' in of ? figures.filter((one) => one.label !== of.label) : [...figures],
  };
}

/** Returns the open cases, in order of urgency by status, oldest first within each status. */
async function openCases(
  investigations: NonNullable<OverviewParts['cases']>,
): Promise<{ open: CaseRecord[]; more: boolean }> {
  const pages = await Promise.all(
    (['escalated', 'proposed', 'waiting', 'asking', 'scoring'] as const).map((status) =>
      investigations.byStatus(status, { limit: CASES }),
    ),
  );
  const open = pages.flatMap(({ items }) => items);
  return { open: open.slice(0, CASES), more: open.length > CASES || pages.some(({ cursor }) => cursor !== undefined) };
}
