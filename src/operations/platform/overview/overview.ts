import type { QueueState, TemporalLook } from '../../../gateways/temporal/visibility';
import type { Backlog } from '../../../domain/platform/outbox';
import type { LastLook, LookMode } from '../../../domain/platform/reconciliation';
import { type Bounded, deadLetterCount } from '../../../stores/platform/deadLetterCount';
import type { Db } from '../../../stores/dynamodb';
import type { CaseRecord, InvestigationStore } from '../../../stores/fraud/investigations';
import { type LookedUp, lookedUp } from './lookedUp';

/**
 * Whom a figure counts: all processes; this process since it began; a table, as DynamoDB last counted it (about every
 * six hours).
 */
export type Scope = 'all' | 'process' | 'table';

export interface Figure {
  /** `open carts`, `payments approved`. */
  label: string;
  value: number;
  scope: Scope;
  /** There are more than `value`. */
  more?: boolean;
}

/** What one capability shows: figures from one source, which may be away without the others. */
export interface FigureSource {
  /** The capability's name. */
  area: string;
  /** How long figures are shared among those who ask. */
  forMs: number;
  figures(): Promise<Figure[]>;
}

/**
 * The figure that stands for a capability: the one of a label, or the sum of those whose labels begin with something.
 */
export interface Lead {
  label: string;
  of: { label: string } | { labelsFrom: string };
}

export interface StreamLag {
  stream: string;
  /** Of the shard that is furthest behind among those that this process reads; null where it reads none. */
  lagMs: number | null;
}

/** A part, and where it is. */
export interface PartState {
  name: string;
  state: 'ok' | 'unavailable' | 'starting' | 'elsewhere' | 'configured' | 'none';
  address?: string;
}

export interface OverviewParts {
  db: Db;
  /** Outbox entries that are due by an instant, epoch ms. */
  backlog(dueBy: number): Promise<Backlog[]>;
  /** Absent where no capability of this process has cases. */
  cases?: Pick<InvestigationStore, 'byStatus'>;
  temporal: TemporalLook;
  queues: readonly string[];
  letterSources: readonly string[];
  sources: readonly FigureSource[];
  /** Titles of the capabilities that the page shows, by name. */
  titles: Readonly<Record<string, string>>;
  leads: Readonly<Record<string, Lead>>;
  states(): Promise<PartState[]>;
  streamLag(): Promise<StreamLag[]>;
  lastLooks(): Promise<LastLooks>;
  now?(): number;
}

/** The last look of the reconciler in each mode, where there was one. */
export type LastLooks = Partial<Record<LookMode, LastLook>>;

export interface Snapshot {
  at: number;
  parts: LookedUp<PartState[]>;
  capabilities: { area: string; title: string; lead?: Figure; figures: Figure[]; unavailable: boolean }[];
  cases: LookedUp<{ open: CaseRecord[]; more: boolean }>;
  queues: LookedUp<QueueState[]>;
  streams: LookedUp<StreamLag[]>;
  owed: LookedUp<Backlog[]>;
  reconciler: LookedUp<LastLooks>;
  deadLetters: LookedUp<{ stream: string; letters: Bounded }[]>;
}

/** Cases that are shown; the Web UI has them all. */
const CASES = 25;
/** What is owed is paid within moments; what is overdue by more waits for the relay. */
const OVERDUE_MS = 5_000;

/**
 * What a person sees who asks how Longwatch does. Nothing here scans: figures are counters that exist, sparse indexes,
 * descriptions of tables and queues; each look is shared for seconds among all who ask this process.
 */
export class Overview {
  private readonly now: () => number;
  private readonly titles: OverviewParts['titles'];
  private readonly leads: OverviewParts['leads'];
  private readonly parts: () => Promise<LookedUp<PartState[]>>;
  private readonly cases: () => Promise<LookedUp<{ open: CaseRecord[]; more: boolean }>>;
  private readonly queues: () => Promise<LookedUp<QueueState[]>>;
  private readonly streams: () => Promise<LookedUp<StreamLag[]>>;
  private readonly owed: () => Promise<LookedUp<Backlog[]>>;
  private readonly reconciler: () => Promise<LookedUp<LastLooks>>;
  private readonly deadLetters: () => Promise<LookedUp<{ stream: string; letters: Bounded }[]>>;
  private readonly sources: readonly { area: string; look: () => Promise<LookedUp<Figure[]>> }[];

  constructor(parts: OverviewParts) {
    const { db, cases, temporal, now = Date.now } = parts;
    this.now = now;
    this.titles = parts.titles;
    this.leads = parts.leads;
    this.parts = lookedUp(() => parts.states(), { forMs: 2_000 });
    this.cases = lookedUp(async () => (cases ? openCases(cases) : { open: [], more: false }), { forMs: 3_000 });
    this.queues = lookedUp(() => temporal.queues(parts.queues), { forMs: 10_000, boundMs: 4_000 });
    this.streams = lookedUp(() => parts.streamLag(), { forMs: 1_000 });
    this.owed = lookedUp(() => parts.backlog(now() - OVERDUE_MS), { forMs: 10_000 });
    this.reconciler = lookedUp(() => parts.lastLooks(), { forMs: 5_000 });
    this.deadLetters = lookedUp(
      async () =>
        Promise.all(
          parts.letterSources.map(async (stream) => ({ stream, letters: await deadLetterCount(db, stream) })),
        ),
      { forMs: 30_000 },
    );
    this.sources = parts.sources.map(({ area, forMs, figures }) => ({
      area,
      look: lookedUp(figures, { forMs, boundMs: 4_000 }),
    }));
  }

  /** Never throws for a part that is away: it says so of that part. */
  async snapshot(): Promise<Snapshot> {
    const [parts, cases, queues, streams, owed, reconciler, deadLetters, figures] = await Promise.all([
      this.parts(),
      this.cases(),
      this.queues(),
      this.streams(),
      this.owed(),
      this.reconciler(),
      this.deadLetters(),
      Promise.all(this.sources.map(async ({ area, look }) => ({ area, found: await look() }))),
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
    return { at: this.now(), parts, capabilities, cases, queues, streams, owed, reconciler, deadLetters };
  }
}

/** The figure that leads, and the figures beside it. A sum stands beside its parts. */
function leadOf({ label, of }: Lead, figures: readonly Figure[]): { figure: Figure; rest: Figure[] } {
  const parts = figures.filter((one) => ('label' in of ? one.label === of.label : one.label.startsWith(of.labelsFrom)));
  const value = parts.reduce((sum, one) => sum + one.value, 0);
  return {
    figure: { label, value, scope: parts[0]?.scope ?? 'process' },
    rest: 'label' in of ? figures.filter((one) => one.label !== of.label) : [...figures],
  };
}

/** Those that a person can act on, oldest first within each status. */
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
