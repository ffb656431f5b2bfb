import { Random } from '../../../src/domain/fraud/random';
import type { Misbehaviour } from '../../../src/local/sagemaker/server';

export const processes = ['worker', 'api', 'temporal', 'dynamodb'] as const;
export type ProcessName = (typeof processes)[number];

/** Between whom: our processes and each part; `api`: clients and us. */
export const wires = ['dynamodb', 'temporal', 'kinesis', 'mqtt', 'model', 'api'] as const;
export type WireName = (typeof wires)[number];

/** How the model's endpoint fails. */
export const modelFaults: Readonly<Record<'slow' | 'wrong' | 'dead', readonly Misbehaviour[]>> = {
  slow: [{ delayMs: 1_500 }, { hang: 'answer' }, { hang: 'body' }],
  wrong: [
    { body: 'nonsense' },
    { body: '{"predictions": []}' },
    { body: '{"predictions": [{"score": "high"}]}' },
    { status: 500 },
    { status: 424 },
  ],
  dead: [{ reset: true }, { status: 503 }],
};

export type Fault = {
  /** Milliseconds from the beginning of the load. */
  at: number;
} & (
  | { kind: 'kill'; what: ProcessName; /** Until it is started again. */ downMs: number }
  | { kind: 'delay'; what: WireName; forMs: number; byMs: number }
  | { kind: 'drop' | 'cut'; what: WireName; forMs: number }
  | { kind: 'reset'; what: WireName }
  | { kind: 'model'; what: keyof typeof modelFaults; how: Misbehaviour; forMs: number }
  | { kind: 'workflow'; what: 'cancel' | 'terminate'; /** Which of the running ones, from 0 to 1. */ which: number }
  | { kind: 'poison' }
);

/** Counted under this name: `kill -9 worker`, `drop temporal`, … */
export function faultName(fault: Fault): string {
  return fault.kind === 'kill'
    ? `kill -9 ${fault.what}`
    : fault.kind === 'poison'
      ? 'poison'
      : `${fault.kind} ${fault.what}`;
}

const kinds = [
  'kill worker',
  'kill api',
  'kill temporal',
  'kill dynamodb',
  'delay',
  'drop',
  'cut',
  'reset',
  'slow',
  'wrong',
  'dead',
  'poison',
  'cancel',
  'terminate',
] as const;
type Kind = (typeof kinds)[number];
/** How often each comes, beside the others. */
const weights: Readonly<Record<Kind, number>> = {
  'kill worker': 3,
  'kill api': 3,
  'kill temporal': 2,
  'kill dynamodb': 2,
  delay: 3,
  drop: 3,
  cut: 3,
  reset: 4,
  slow: 1,
  wrong: 1,
  dead: 1,
  poison: 3,
  cancel: 3,
  terminate: 4,
};

/** Load before the first fault, and after the last one. */
const FIRST_AT = 3_000;
const LAST_BEFORE_END = 6_000;
const GAP_MS: readonly [number, number] = [1_000, 4_800];
/** Some come together: whoever starts then finds its parts away. */
const TOGETHER = 0.35;
const TOGETHER_MS: readonly [number, number] = [0, 300];

/** The faults of a run, in order; the same for the same seed. Every kind comes once before any comes again. */
export function planFaults(seed: number, durationMs: number): Fault[] {
  const random = new Random(seed);
  const faults: Fault[] = [];
  const first = shuffled(kinds, random);
  for (
    let at = FIRST_AT;
    at < durationMs - LAST_BEFORE_END;
    at += random.integer(...(random.chance(TOGETHER) ? TOGETHER_MS : GAP_MS))
  )
    faults.push({ at, ...faultOf(first.shift() ?? weighted(random), random) });
  return faults;
}

type Unplaced = Fault extends infer One ? (One extends Fault ? Omit<One, 'at'> : never) : never;

function faultOf(kind: Kind, random: Random): Unplaced {
  const forMs = random.integer(500, 4_000);
  switch (kind) {
    case 'kill worker':
    case 'kill api':
    case 'kill temporal':
    case 'kill dynamodb':
      // As long as a process manager waits, and longer.
      return { kind: 'kill', what: kind.slice('kill '.length) as ProcessName, downMs: random.integer(100, 3_000) };
    case 'delay':
      return { kind, what: random.pick(wires), forMs, byMs: random.integer(20, 600) };
    case 'drop':
      // Longer than most timeouts, now and then.
      return { kind, what: random.pick(wires), forMs: random.chance(0.3) ? forMs * 3 : forMs };
    case 'cut':
      return { kind, what: random.pick(wires), forMs };
    case 'reset':
      return { kind, what: random.pick(wires) };
    case 'slow':
    case 'wrong':
    case 'dead':
      return { kind: 'model', what: kind, how: random.pick(modelFaults[kind]), forMs };
    case 'poison':
      return { kind };
    case 'cancel':
    case 'terminate':
      return { kind: 'workflow', what: kind, which: random.next() };
  }
}

function weighted(random: Random): Kind {
  const total = kinds.reduce((sum, kind) => sum + weights[kind], 0);
  let at = random.next() * total;
  return kinds.find((kind) => (at -= weights[kind]) < 0) ?? 'poison';
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return list.map(() => left.splice(random.integer(0, left.length - 1), 1)[0] as T);
}
