"""Trains a fraud model on the matrices that a folder holds; writes the artefact and its card.

The folder: train.npy and tune.npy (label, then features), test.npy where there is one, test-kinds.npy (number of
the scenario, from 1; 0: genuine) where kinds of fraud are known, and meta.json.
"""
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
    rows = np.load(source / f"{part}.npy")
    return rows[:, 1:], rows[:, 0]


def matrix(x, y):
    return xgb.DMatrix(x, label=y, feature_names=names)


def train(x, y, rounds, **more):
    return xgb.train(
        {
            "objective": "binary:logistic",
            # Stops training: smoother than the area under the curve of few frauds.
            "eval_metric": "logloss",
            "eta": 0.08,
            "max_depth": 5,
            # Frauds sit in the tails, where the usual 256 bins of equally many rows leave one for all.
            "max_bin": 2048,
            "min_child_weight": 20,
            "subsample": 0.8,
            "colsample_bytree": 0.7,
            "lambda": 10,
            "seed": 7,
            "nthread": 2,
        },
        matrix(x, y),
        num_boost_round=rounds,
        **more,
    )


train_x, train_y = load("train")
tune_x, tune_y = load("tune")
tune = [(matrix(tune_x, tune_y), "tune")]
booster = train(train_x, train_y, meta["rounds"], evals=tune, early_stopping_rounds=30, verbose_eval=20)
booster = booster[: booster.best_iteration + 1]
measured = "test" if (source / "test.npy").exists() else "tune"
test_x, test_y = load(measured)
scores = booster.predict(matrix(test_x, test_y))
auc, ap = roc_auc_score(test_y, scores), average_precision_score(test_y, scores)
if meta["refit"]:
    # How many trees is known now; what they stopped on is the newest that there is to learn from.
    train_x, train_y = np.concatenate([train_x, tune_x]), np.concatenate([train_y, tune_y])
    booster = train(train_x, train_y, booster.num_boosted_rounds())
booster.save_model(target)

bands = meta["bands"]
at = {}
for name, threshold in bands.items():
    flagged = scores >= threshold
    at[name] = {
        "from": threshold,
        "share": float(flagged.mean()),
        "precision": float(test_y[flagged].mean()) if flagged.any() else None,
        "recall": float(flagged[test_y == 1].mean()),
    }
by_scenario = {}
if meta.get("scenarios"):
    kinds = np.load(source / "test-kinds.npy")[:, 0].astype(int)
    for i, name in enumerate(meta["scenarios"]):
        of_kind = kinds == i + 1
        if of_kind.any():
            recall = float((scores[of_kind] >= bands["alert"]).mean())
            by_scenario[name] = {"frauds": int(of_kind.sum()), "recallAtAlert": recall}
# By content: another artefact never goes by the same name.
version = f"fraud-{hashlib.sha256(target.read_bytes()).hexdigest()[:10]}"
figures = {
    "version": version,
    "features": names,
    "trees": booster.num_boosted_rounds(),
    "trainedOn": {"rows": len(train_y), "frauds": int(train_y.sum())},
    "testedOn": {"rows": len(test_y), "frauds": int(test_y.sum())},
    "refitted": meta["refit"],
    "rocAuc": round(float(auc), 4),
    "averagePrecision": round(float(ap), 4),
    "expectedOverActualFrauds": round(float(scores.sum() / test_y.sum()), 3),
    "bands": at,
    "byScenario": by_scenario,
}
target.with_suffix(".card.json").write_text(json.dumps(figures, indent=2) + "\n")
# What drift is told from: how the features and the score lie over the rows that training ended with. The score's
# are of rows that the booster was measured on, which it has not learnt by heart.
BINS = 10


def distribution(values):
    """Edges between bins of equally many values, and the share of rows in each bin, the missing ones last."""
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.array([])
    # A bin holds what is at most its edge, as the code that serves counts.
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    shares = np.append(counts, len(values) - len(known)) / len(values)
    return {"edges": [float(e) for e in edges], "shares": [round(float(s), 6) for s in shares]}


baseline = {
    "version": version,
    "rows": len(train_y),
    "features": {name: distribution(train_x[:, i].astype(np.float64)) for i, name in enumerate(names)},
    "score": distribution(scores.astype(np.float64)),
}
target.with_suffix(".baseline.json").write_text(json.dumps(baseline, indent=1) + "\n")
gain = sorted(booster.get_score(importance_type="total_gain").items(), key=lambda kv: -kv[1])
total = sum(v for _, v in gain)
percent = lambda v: "–" if v is None else f"{100 * v:.2f} %"
lines = [
    "# Model card: fraud",
    "",
    f"Version `{version}`. Gradient-boosted trees (XGBoost {xgb.__version__}, `binary:logistic`), "
    f"{figures['trees']} trees of depth 5 at most; "
    f"the score is the estimated probability of fraud. {meta['madeBy']}",
    "",
    "## Data",
    "",
    meta["data"].format(
        train=f"{len(train_y):,} payments, {int(train_y.sum()):,} frauds",
        test=f"{len(test_y):,} payments, {int(test_y.sum()):,} frauds",
    ),
    "",
    f"## Figures on the {meta['measuredOn']}",
    "",
    "| | |",
    "| --- | --- |",
    f"| ROC AUC | {auc:.4f} |",
    f"| average precision | {ap:.4f} |",
    f"| calibration: frauds expected by the scores over actual ones | {figures['expectedOverActualFrauds']:.2f} |",
    "",
    "| band | score from | share of payments | precision | recall |",
    "| --- | --- | --- | --- | --- |",
    *[
        f"| {n} and worse | {b['from']} | "
        f"{percent(b['share'])} | {percent(b['precision'])} | {percent(b['recall'])} |"
        for n, b in at.items()
    ],
    "",
    *(
        [
            "| scenario | frauds | found at alert or worse |",
            "| --- | --- | --- |",
            *[f"| {n} | {b['frauds']} | {percent(b['recallAtAlert'])} |" for n, b in by_scenario.items()],
            "",
        ]
        if by_scenario
        else []
    ),
    "## What it looks at",
    "",
    "Share of total gain: " + ", ".join(f"{n} {100 * v / total:.0f} %" for n, v in gain[:12]) + ".",
    "",
    "## Features",
    "",
    "In the order of the model's columns: " + ", ".join(f"`{n}`" for n in names) + ".",
    "",
    "## Limits",
    "",
    meta["limits"],
    "",
]
target.with_suffix(".card.md").write_text("\n".join(lines))

if meta.get("goldens"):
    pick = np.concatenate([np.flatnonzero(test_y == 1)[:20], np.flatnonzero(test_y == 0)[:20]])
    write_goldens("fraud", booster, test_x[pick], names, {"version": version})
print(json.dumps(figures))
