"""What the official XGBoost says of some rows, for the tests of our own evaluator (test/domain/fraud/goldens).

Run on its own it makes `missing.json`: a small model of random data, trees of depth 6 and a third of all values
missing, with the model itself in the file. train.py makes `fraud.json` for the shipped model.
"""
import json
from pathlib import Path

import numpy as np
import xgboost as xgb

FOLDER = Path(__file__).parent.parent / "test/domain/fraud/goldens"


def write_goldens(name, booster, rows, names, more):
    # The last row knows nothing.
    rows = np.concatenate([rows, np.full((1, len(names)), np.nan, dtype=np.float32)])
    sample = xgb.DMatrix(rows, feature_names=names)
    predict = lambda **options: booster.predict(sample, pred_contribs=True, **options)
    contributions = lambda **options: predict(**options).astype(float).round(7).tolist()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(
        json.dumps(
            {
                "madeBy": f"xgboost {xgb.__version__}",
                **more,
                "rows": [[None if np.isnan(v) else float(v) for v in row] for row in rows],
                "scores": [float(v) for v in booster.predict(sample)],
                "exact": contributions(),
                "approximate": contributions(approx_contribs=True),
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    random = np.random.default_rng(11)
    names = [f"feature{i}" for i in range(8)]
    x = random.normal(size=(4000, len(names))).astype(np.float32)
    x[random.random(x.shape) < 0.33] = np.nan
    known = np.nan_to_num(x)
    odds = 2 * known[:, 0] * known[:, 1] + known[:, 2] - 1.5 * np.isnan(x[:, 3]) - 1
    y = random.random(len(x)) < 1 / (1 + np.exp(-odds))
    booster = xgb.train(
        {"objective": "binary:logistic", "max_depth": 6, "eta": 0.3, "base_score": 0.2, "seed": 11, "nthread": 1},
        xgb.DMatrix(x, label=y, feature_names=names),
        num_boost_round=6,
    )
    # Values that sit exactly on a split's threshold, where float32 and float64 part.
    on_threshold = x[:40].copy()
    tree = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"][0]
    nodes = zip(tree["split_indices"], tree["split_conditions"], tree["left_children"])
    for i, (feature, value, left) in enumerate(nodes):
        if left != -1 and i < len(on_threshold):
            on_threshold[i, feature] = np.float32(value)
    model = json.loads(booster.save_raw("json"))
    write_goldens("missing", booster, on_threshold, names, {"model": model})
