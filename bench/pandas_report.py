"""What pandas with scipy takes for the cohort matrix, RFM by fifths, the repeat
rate, and BG/NBD by its textbook likelihood (Fader, Hardie and Lee 2005, equation
6, with the log of the sum taken safely). Prints seconds as JSON:
  python3 pandas_report.py FILE retail|orders
"""
import json
import sys
import time

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gammaln

path, kind = sys.argv[1:]
seconds, began = {}, time.perf_counter()


def lap(name):
    global began
    now = time.perf_counter()
    seconds[name], began = now - began, now


if kind == "retail":
    lines = pd.read_csv(path, dtype={"InvoiceNo": str, "StockCode": str, "CustomerID": str}, parse_dates=["InvoiceDate"])
    lines = lines[lines.CustomerID.notna() & ~lines.InvoiceNo.str.startswith("C")]
    goods = lines[(lines.Quantity > 0) & (lines.UnitPrice > 0)].InvoiceNo.unique()
    lines = lines[lines.InvoiceNo.isin(goods)].assign(amount=lambda d: d.Quantity * d.UnitPrice)
    orders = lines.groupby(["InvoiceNo", "CustomerID"], as_index=False).agg(at=("InvoiceDate", "min"), amount=("amount", "sum"))
    orders = orders.rename(columns={"CustomerID": "customer"})
else:
    orders = pd.read_csv(path, parse_dates=["created_at"])
    orders = orders.rename(columns={"customer_id": "customer", "created_at": "at", "total": "amount"})
lap("read")

orders["month"] = orders["at"].dt.to_period("M")
orders["day"] = orders["at"].dt.normalize()
first = orders.groupby("customer")["month"].transform("min")
later = orders["month"].dt.year * 12 + orders["month"].dt.month - first.dt.year * 12 - first.dt.month
cohorts = orders.assign(first=first, later=later).groupby(["first", "later"])["customer"].nunique().unstack()
lap("cohorts")

each = orders.groupby("customer").agg(last=("day", "max"), orders=("day", "size"), spent=("amount", "sum"))
scored = each.rank(method="first").apply(lambda c: pd.qcut(c, 5, labels=False) + 1)
rfm = scored.groupby(["last", "orders", "spent"]).size()
lap("rfm")

again = int((each.orders > 1).sum())
lap("repeat")

days = orders.drop_duplicates(["customer", "day"]).groupby("customer")["day"].agg(["min", "max", "size"])
end = orders["day"].max()
x = (days["size"] - 1).to_numpy(float)
tx = (days["max"] - days["min"]).dt.days.to_numpy(float)
T = (end - days["min"]).dt.days.to_numpy(float)
lap("rows")


def negative(parameters):
    r, alpha, a, b = np.exp(parameters)
    one = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    two = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    three = -(r + x) * np.log(alpha + T)
    with np.errstate(divide="ignore"):
        four = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + tx), -np.inf)
    return -np.sum(one + two + np.logaddexp(three, four))


start = np.log([1.0, max(T.mean() / 4, 1.0), 1.0, 1.0])
fit = minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-4, "maxiter": 4000, "maxfev": 4000})
lap("bgnbd")
print(json.dumps({"seconds": seconds, "customers": len(each), "again": again, "likelihood": -fit.fun, "parameters": list(np.exp(fit.x)), "evaluations": int(fit.nfev)}))
