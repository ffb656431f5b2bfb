/**
 * Evaluates gradient-boosted trees in XGBoost's own JSON format (`booster.save_model('model.json')`,
 * objective `binary:logistic`), in float32 as the official library does.
 */
export interface Tree {
  /** Child indices by node; -1 at a leaf. */
  left: Int32Array;
  right: Int32Array;
  /** Feature that a node splits on. */
  feature: Int32Array;
  /** Threshold of a split (`value < threshold` goes left), value of a leaf. */
  threshold: Float32Array;
  /** Where a missing value goes. */
  defaultLeft: Uint8Array;
  /** Sum of the training rows' second derivatives that reached a node: the weights of explanations. */
  cover: Float32Array;
}

export interface BoostedTrees {
  trees: readonly Tree[];
  featureNames: readonly string[];
  /** Log-odds before the first tree. */
  baseMargin: number;
}

export class ModelFormatError extends Error {
  override readonly name = 'ModelFormatError';
}

interface TreeJson {
  left_children: number[];
  right_children: number[];
  split_indices: number[];
  split_conditions: number[];
  default_left: number[];
  sum_hessian: number[];
  categories_nodes?: number[];
}

interface ModelJson {
  learner?: {
    feature_names?: string[];
    learner_model_param?: { base_score?: string };
    objective?: { name?: string };
    gradient_booster?: { name?: string; model?: { trees?: TreeJson[] } };
  };
}

/**
 * @param expected the features of this code, in order; a model that was trained on others is refused.
 * @throws ModelFormatError saying what was found and what is wanted.
 */
export function parseModel(json: unknown, expected?: readonly string[]): BoostedTrees {
  const learner = (json as ModelJson | null)?.learner;
  const trees = learner?.gradient_booster?.model?.trees;
  if (!learner || !trees || trees.length === 0)
    throw new ModelFormatError('This is not an XGBoost JSON model with trees');
  const objective = learner.objective?.name;
  if (objective !== 'binary:logistic')
    throw new ModelFormatError(`The model's objective is ${objective ?? 'missing'}; binary:logistic is wanted`);
  const booster = learner.gradient_booster?.name;
  if (booster !== 'gbtree')
    throw new ModelFormatError(`The model's booster is ${booster ?? 'missing'}; gbtree is wanted`);
  if (trees.some((tree) => (tree.categories_nodes?.length ?? 0) > 0))
    throw new ModelFormatError('The model splits on categories; numerical features are wanted');
  const featureNames = learner.feature_names ?? [];
  if (expected) checkFeatures(featureNames, expected);
  // XGBoost 3 writes the base score as a list, older versions as a number.
  const baseScore = Number((learner.learner_model_param?.base_score ?? '0.5').replace(/[[\]]/g, ''));
  if (!(baseScore > 0 && baseScore < 1))
    throw new ModelFormatError(`The model's base_score ${baseScore} is no probability`);
  return { trees: trees.map(parseTree), featureNames, baseMargin: Math.log(baseScore / (1 - baseScore)) };
}

function checkFeatures(found: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((name, i) => found[i] !== name);
  if (at < 0 && found.length === expected.length) return;
  const place = at < 0 ? expected.length : at;
  throw new ModelFormatError(
    `The model was trained on other features: column ${place} is ${found[place] ?? 'missing'}, this code has ` +
      `${expected[place] ?? 'no such column'} there. Train it again with this version.`,
  );
}

function parseTree(tree: TreeJson): Tree {
  return {
    left: Int32Array.from(tree.left_children),
    right: Int32Array.from(tree.right_children),
    feature: Int32Array.from(tree.split_indices),
    threshold: Float32Array.from(tree.split_conditions),
    defaultLeft: Uint8Array.from(tree.default_left),
    cover: Float32Array.from(tree.sum_hessian),
  };
}

/** The child of an inner node that a row goes to. Missing values are `NaN`. */
export function nextNode(tree: Tree, node: number, row: Float32Array): number {
  const value = row[tree.feature[node] as number] as number;
  const goesLeft = Number.isNaN(value) ? tree.defaultLeft[node] === 1 : value < (tree.threshold[node] as number);
  return (goesLeft ? tree.left[node] : tree.right[node]) as number;
}

/**
 * Probability of fraud, 0 to 1. `row` has one value per feature, `NaN` where missing. Summed and squashed in
 * float32 in the official library's order: over a hundred trees another order differs by nearly a millionth.
 */
export function score(model: BoostedTrees, row: readonly number[]): number {
  const values = Float32Array.from(row);
  let margin = Math.fround(model.baseMargin);
  for (const tree of model.trees) {
    let node = 0;
    while (tree.left[node] !== -1) node = nextNode(tree, node, values);
    margin = Math.fround(margin + (tree.threshold[node] as number));
  }
  return Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-margin))));
}
