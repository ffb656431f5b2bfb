import { LabError } from '../../src/lab/errors';

/** A major version of Node.js that package.json allows. */
export interface TestedNode {
  major: number;
  /** As in `engines`, for example `^22.13.0`. */
  range: string;
  /** The oldest version of the range. */
  oldest: string;
}

/** Returns the versions that `engines.node` of package.json names, such as `^22.13.0 || ^24.0.0`. */
export function testedNodes(engines: string): TestedNode[] {
  return engines.split(' || ').map((range) => {
    const [, oldest, major] = /^\^((\d+)\.\d+\.\d+)$/.exec(range) ?? [];
    if (oldest === undefined)
      throw new LabError(
        `"engines" of package.json has "${range}"; ranges such as ^24.0.0, joined by " || ", are allowed`,
      );
    return { major: Number(major), range, oldest };
  });
}

/**
 * Returns the specifications for npm of the versions to test: those asked for, or all but the one that runs, because
 * `npm test` tests that one.
 * @param asked major versions of `engines`, or exact versions
 * @param oldest whether a range stands for its oldest version; it is the newest otherwise
 */
export function specifications(
  tested: readonly TestedNode[],
  running: string,
  asked: readonly string[],
  oldest: boolean,
): string[] {
  const chosen = oldest ? tested : tested.filter(({ major }) => major !== Number.parseInt(running, 10));
  const specificationOf = (node: TestedNode): string => (oldest ? node.oldest : node.range);
  if (asked.length === 0) return chosen.map(specificationOf);
  return asked.map((version) => {
    if (/^\d+\.\d+\.\d+$/.test(version)) return version;
    const node = tested.find(({ major }) => String(major) === version);
    if (node) return specificationOf(node);
    const majors = tested.map(({ major }) => major).join(', ');
    throw new LabError(
      `There is no tested version "${version}"; allowed are ${majors} and exact versions such as 24.0.0`,
    );
  });
}
