/**
 * Returns the known name nearest to a mistyped one, by Levenshtein distance without regard to case; undefined
 * when none is close.
 * @param strip is removed from both before the comparison, so that a long common prefix does not make all names
 * similar.
 */
export function nearestName(given: string, known: readonly string[], strip: RegExp = /^$/): string | undefined {
  const short = given.replace(strip, '').toLowerCase();
  let [best, least] = [undefined as string | undefined, Math.max(2, Math.floor(short.length / 3)) + 1];
  for (const name of known) {
    const edits = distance(short, name.replace(strip, '').toLowerCase());
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** Returns the Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] as number;
}
