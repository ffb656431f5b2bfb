/** Scores and the true labels of the same rows. */
export interface Scored {
  /** 0 to 1, or any number that is higher for a likelier fraud. */
  scores: ArrayLike<number>;
  /** 1: fraud, 0: genuine. */
  labels: ArrayLike<number>;
}

/** Returns the indices by descending score. */
function ranking({ scores }: Scored): Uint32Array {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  return order.sort((a, b) => (scores[b] as number) - (scores[a] as number));
}

/** Generates the groups of equal scores by descending score: the number of frauds and of all rows. */
function* ties(scored: Scored): Generator<{ score: number; frauds: number; count: number }> {
  const order = ranking(scored);
  for (let i = 0; i < order.length;) {
    const score = scored.scores[order[i] as number] as number;
    const tie = { score, frauds: 0, count: 0 };
    for (; i < order.length && scored.scores[order[i] as number] === score; i++) {
      tie.frauds += scored.labels[order[i] as number] as number;
      tie.count++;
    }
    yield tie;
  }
}

/**
 * Returns the area under the ROC curve: the probability that a fraud has a higher score than a genuine payment, with
 * half of the ties (Mann-Whitney). `NaN` unless both labels occur.
 */
export function rocAuc(scored: Scored): number {
  let [frauds, genuine, above] = [0, 0, 0];
  for (const tie of ties(scored)) {
    const innocent = tie.count - tie.frauds;
    above += innocent * (frauds + tie.frauds / 2);
    frauds += tie.frauds;
    genuine += innocent;
  }
  return above / (frauds * genuine);
}

/**
 * Returns the average precision: the sum over thresholds of (change in recall) × precision, not interpolated. `NaN`
 * without frauds.
 */
export function averagePrecision(scored: Scored): number {
  let [frauds, seen, sum] = [0, 0, 0];
  for (const tie of ties(scored)) {
    frauds += tie.frauds;
    seen += tie.count;
    sum += tie.frauds * (frauds / seen);
  }
  return sum / frauds;
}

/** One point of the precision-recall curve. */
export interface CurvePoint {
  threshold: number;
  precision: number;
  recall: number;
}

/** Returns the precision-recall curve from the highest threshold down, with about `points` points. */
export function precisionRecall(scored: Scored, points = 200): CurvePoint[] {
  const total = Array.from(scored.labels).reduce((sum, label) => sum + label, 0);
  const curve: CurvePoint[] = [];
  let [frauds, seen] = [0, 0];
  for (const { score, frauds: more, count } of ties(scored)) {
    frauds += more;
    seen += count;
    const recall = frauds / total;
    if (more > 0 && (curve.length === 0 || frauds === total || recall - (curve.at(-1)?.recall ?? 0) >= 1 / points))
      curve.push({ threshold: score, precision: frauds / seen, recall });
  }
  return curve;
}

/** Scores and labels with the customer and the day of each row. */
export interface DailyScores extends Scored {
  /** The number of the customer. */
  users: ArrayLike<number>;
  /** The number of the day; days are in order of time. */
  days: ArrayLike<number>;
}

/**
 * Returns the card precision, averaged over days: of the `k` customers with the highest scores of a day, the share that
 * was defrauded on that day. A defrauded customer that was found is excluded on later days.
 * Source: Le Borgne et al., "Reproducible Machine Learning for Credit Card Fraud Detection", card precision top-k.
 */
export function cardPrecision({ scores, labels, users, days }: DailyScores, k = 100): number {
  const byDay = new Map<number, Map<number, { score: number; fraud: boolean }>>();
  for (let i = 0; i < scores.length; i++) {
    const day = getOrAdd(byDay, days[i] as number, () => new Map<number, { score: number; fraud: boolean }>());
    const user = getOrAdd(day, users[i] as number, () => ({ score: Number.NEGATIVE_INFINITY, fraud: false }));
    user.score = Math.max(user.score, scores[i] as number);
    user.fraud ||= labels[i] === 1;
  }
  const found = new Set<number>();
  let sum = 0;
  for (const [, customers] of [...byDay].sort(([a], [b]) => a - b)) {
    const first = [...customers]
      .filter(([user]) => !found.has(user))
      .sort(([, a], [, b]) => b.score - a.score)
      .slice(0, k);
    const defrauded = first.filter(([, { fraud }]) => fraud);
    sum += defrauded.length / k;
    for (const [user] of defrauded) found.add(user);
  }
  return sum / byDay.size;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
