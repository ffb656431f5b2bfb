/** A decision tree; arrays are indexed by node. */
export interface Tree {
  /** Child indices; -1 at a leaf. */
  left: Int32Array;
  right: Int32Array;
  /** The feature that a node splits on. */
  feature: Int32Array;
  /** At a split the threshold (`value < threshold` goes left); at a leaf its value. */
  threshold: Float32Array;
  /** 1 if a missing value goes left. */
  defaultLeft: Uint8Array;
  /** Sum of the second derivatives of the training rows that reached a node; the weight in contributions. */
  cover: Float32Array;
}

/**
 * Gradient-boosted trees of XGBoost, objective `binary:logistic`. They are evaluated in float32, as the official
 * library does.
 */
export interface BoostedTrees {
  trees: readonly Tree[];
  featureNames: readonly string[];
  /** The log-odds before the first tree. */
  baseMargin: number;
}

/** The error for a model file that this code cannot evaluate. */
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
 * Parses a model in XGBoost's JSON format (`booster.save_model('model.json')`).
 * @param expected the features of this release, in order; a model that was trained on others is refused.
 * @throws ModelFormatError with the found and the expected property.
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
  // XGBoost 3 writes the base score as a list, older versions write a number.
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

/** Returns the child of an inner node for a row. Missing values are `NaN`. */
export function nextNode(tree: Tree, node: number, row: Float32Array): number {
  const value = row[tree.feature[node] as number] as number;
  const goesLeft = Number.isNaN(value) ? tree.defaultLeft[node] === 1 : value < (tree.threshold[node] as number);
  return (goesLeft ? tree.left[node] : tree.right[node]) as number;
}

/**
 * Returns the probability of fraud, 0 to 1. `row` has one value per feature, `NaN` where missing. The sum and the
 * sigmoid are float32 in the official library's order: over 100 trees another order changes the result by almost 1e-6.
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
