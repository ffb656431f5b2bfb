"""Trains the fraud model on the matrices that train.ts wrote; writes the artefact, its card and its goldens."""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import xgboost as xgb
from goldens import write_goldens
from sklearn.metrics import average_precision_score, roc_auc_score

source, target = Path(sys.argv[1]), Path(sys.argv[2])
meta = json.loads((source / "meta.json").read_text())
names = meta["featureNames"]


def load(part):
    rows = np.fromfile(source / f"{part}.f32", dtype=np.float32).reshape(-1, len(names) + 2)
    return rows[:, 2:], rows[:, 0], rows[:, 1].astype(int)


train_x, train_y, _ = load("train")
tune_x, tune_y, _ = load("tune")
test_x, test_y, test_kind = load("test")
matrix = lambda x, y: xgb.DMatrix(x, label=y, feature_names=names)
booster = xgb.train(
    {
        "objective": "binary:logistic",
        "eval_metric": "aucpr",
        "eta": 0.08,
        "max_depth": 5,
        "min_child_weight": 8,
        "subsample": 0.8,
        "colsample_bytree": 0.7,
        "lambda": 4,
        "seed": 7,
        "nthread": 2,
    },
    matrix(train_x, train_y),
    num_boost_round=160,
    evals=[(matrix(tune_x, tune_y), "tune")],
    early_stopping_rounds=30,
    verbose_eval=20,
)
booster = booster[: booster.best_iteration + 1]
booster.save_model(target / "fraud.json")
scores = booster.predict(matrix(test_x, test_y))
auc, ap = roc_auc_score(test_y, scores), average_precision_score(test_y, scores)

bands = {"alert": 0.2, "review": 0.5, "block": 0.9}
at = {}
for name, threshold in bands.items():
    flagged = scores >= threshold
    at[name] = {
        "from": threshold,
        "share": float(flagged.mean()),
        "precision": float(test_y[flagged].mean()) if flagged.any() else None,
        "recall": float(flagged[test_y == 1].mean()),
    }
by_scenario = {
    name: {
        "frauds": int((test_kind == i + 1).sum()),
        "recallAtAlert": float((scores[test_kind == i + 1] >= bands["alert"]).mean()),
    }
    for i, name in enumerate(meta["scenarios"])
    if (test_kind == i + 1).any()
}
# By content: another artefact never goes by the same name.
version = f"fraud-{hashlib.sha256((target / 'fraud.json').read_bytes()).hexdigest()[:10]}"
figures = {
    "version": version,
    "features": names,
    "trees": booster.num_boosted_rounds(),
    "trainedOn": {"rows": len(train_y), "frauds": int(train_y.sum())},
    "testedOn": {"rows": len(test_y), "frauds": int(test_y.sum())},
    "rocAuc": round(float(auc), 4),
    "averagePrecision": round(float(ap), 4),
    "expectedOverActualFrauds": round(float(scores.sum() / test_y.sum()), 3),
    "bands": at,
    "byScenario": by_scenario,
}
(target / "fraud.card.json").write_text(json.dumps(figures, indent=2) + "\n")
gain = sorted(booster.get_score(importance_type="total_gain").items(), key=lambda kv: -kv[1])
total = sum(v for _, v in gain)
percent = lambda v: "–" if v is None else f"{100 * v:.2f} %"
lines = [
    "# Model card: fraud",
    "",
    f"Version `{version}`. Gradient-boosted trees (XGBoost {xgb.__version__}, `binary:logistic`), {figures['trees']} trees of depth 5 at most; "
    "the score is the estimated probability of fraud. Made by `npm run model:train`, which reproduces it.",
    "",
    "## Data",
    "",
    f"Payments from this project's own simulator (`src/domain/fraud/simulation.ts`, seed {meta['settings']['seed']}): "
    f"{meta['settings']['customers']:,} customers, {meta['settings']['merchants']} merchants, {meta['settings']['days']} days. No real person's data. "
    f"Trained on days {meta['parts']['train'][0]}–{meta['parts']['train'][1]} ({len(train_y):,} payments, {int(train_y.sum()):,} frauds), "
    f"stopped early on days {meta['parts']['tune'][0]}–{meta['parts']['tune'][1]}, tested on days {meta['parts']['test'][0]}–{meta['parts']['test'][1]} "
    f"({len(test_y):,} payments, {int(test_y.sum()):,} frauds), a label delay of 7 days apart. Features are computed by the code that serves; "
    "labels of merchants become known 7 days late, as in service.",
    "",
    "## Figures on the test days",
    "",
    "| | |",
    "| --- | --- |",
    f"| ROC AUC | {auc:.4f} |",
    f"| average precision | {ap:.4f} |",
    f"| calibration: frauds expected by the scores over actual ones | {figures['expectedOverActualFrauds']:.2f} |",
    "",
    "| band | score from | share of payments | precision | recall |",
    "| --- | --- | --- | --- | --- |",
    *[f"| {n} and worse | {b['from']} | {percent(b['share'])} | {percent(b['precision'])} | {percent(b['recall'])} |" for n, b in at.items()],
    "",
    "| scenario | frauds | found at alert or worse |",
    "| --- | --- | --- |",
    *[f"| {n} | {b['frauds']} | {percent(b['recallAtAlert'])} |" for n, b in by_scenario.items()],
    "",
    "## What it looks at",
    "",
    "Share of total gain: " + ", ".join(f"{n} {100 * v / total:.0f} %" for n, v in gain[:12]) + ". All features: [docs/features.md](../docs/features.md).",
    "",
    "## Limits",
    "",
    "A compromised merchant shows only once the first labels are due, 7 days after its first fraud: what it is used for before that cannot be found by these features. "
    "Simulated fraud is simpler than real fraud: these figures say that features, training and serving fit together, not what a bank would see. "
    "Train on your own labelled payments before you let it block anything.",
    "",
]
(target / "card.md").write_text("\n".join(lines))

pick = np.concatenate([np.flatnonzero(test_y == 1)[:20], np.flatnonzero(test_y == 0)[:20]])
write_goldens("fraud", booster, test_x[pick], names, {"version": version})
print(json.dumps({k: figures[k] for k in ("rocAuc", "averagePrecision", "trees", "bands", "byScenario")}, indent=1))
