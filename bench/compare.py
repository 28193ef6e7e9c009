"""Prints what scripts/bench-report.sh has measured: the best of each, ratios,
peak memory, the share of reading, and whether all found the same."""
import json
import sys

cache, runs, skip = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def best(name, times=runs):
    all_runs = [json.load(open(f"{cache}/{name}-{n + 1}.json")) for n in range(times)]
    return min(all_runs, key=lambda r: r["wall"])


def line(name, r, ours):
    print(f"  {name:<34} {r['wall']:8.2f} s {r['cpu']:8.2f} s CPU {r['mb']:7.0f} MB   x {r['wall'] / ours['wall']:6.1f}  (CPU x {r['cpu'] / ours['cpu']:.1f})")


for file, title in [("retail", "Online Retail"), ("orders", "generated orders")]:
    ours, others = best(f"regulars-{file}"), {}
    said = ours["said"]
    print(f"{title}: {said['orders']:,} orders by {said['customers']:,} customers")
    line("regulars report", ours, ours)
    print(f"    of it {said['read_seconds'] / said['seconds']:.0%} reading")
    line("regulars, all models, backtest", best(f"all-{file}"), ours)
    for mode, name in [("csv", "DuckDB, straight from the file"), ("table", "DuckDB, into a table first")]:
        others[mode] = best(f"duckdb-{mode}-{file}")
        line(name, others[mode], ours)
    if skip != "pandas":
        others["pandas"] = best(f"pandas-{file}", 1)
        line("pandas with scipy", others["pandas"], ours)
        theirs = others["pandas"]["said"]["likelihood"]
        mine = next(m for m in said["models"] if m["name"] == "BG/NBD")["log_likelihood"]
        print(f"    BG/NBD log-likelihood {mine:.4f}, theirs {theirs:.4f} ({(mine - theirs) / abs(theirs):+.1e} of it)")
    for name, r in others.items():
        same = (r["said"]["customers"], r["said"]["again"]) == (said["customers"], said["repeat"]["again"])
        print(f"    {name} found {'the same' if same else 'OTHER'} customers and repeat buyers")
