// What DuckDB takes for the cohort matrix, RFM by fifths and the repeat rate
// alone. Prints seconds as JSON:
//   node duckdb.mjs FILE retail|orders csv|table
// csv asks the file itself each time, as one does in a terminal; table loads
// it first. From the folder where @duckdb/node-api is installed.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [file, kind, mode] = process.argv.slice(2);
const require = createRequire(resolve(process.cwd(), "here.js"));
const { DuckDBInstance } = require("@duckdb/node-api");

const db = await DuckDBInstance.create(":memory:", { threads: process.env.THREADS ?? "2" });
const connection = await db.connect();
const path = file.replaceAll("'", "''");
const seconds = {};

async function run(name, sql) {
  const started = performance.now();
  const result = await connection.runAndReadAll(sql);
  seconds[name] = (performance.now() - started) / 1000;
  return result.getRowObjects();
}

// One row an order: of Online Retail an invoice that is no return, of a known
// customer, with a line whose quantity and price are above zero.
const lines = `read_csv('${path}', header = true${kind === "retail" ? ", types = {'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR', 'CustomerID': 'VARCHAR'}" : ""})`;
const orders = kind === "retail"
  ? `select "CustomerID" customer, min("InvoiceDate")::date as day, sum("Quantity" * "UnitPrice") amount from ${lines}
     where "CustomerID" is not null and "InvoiceNo" not like 'C%' group by "InvoiceNo", "CustomerID"
     having bool_or("Quantity" > 0 and "UnitPrice" > 0)`
  : `select customer_id customer, created_at::date as day, total amount from ${lines}`;

let from = `(${orders})`;
if (mode === "table") {
  await run("load", `create table purchases as ${orders}`);
  from = "purchases";
}
const cohorts = await run("cohorts", `
  with firsts as (select customer, date_trunc('month', min(day)) began from ${from} group by customer),
  active as (select distinct customer, date_trunc('month', day) as month from ${from})
  select began, date_diff('month', began, month) later, count(*) customers
  from active join firsts using (customer) group by began, later order by began, later`);
const rfm = await run("rfm", `
  with each as (select customer, max(day) as latest, count(*) orders, sum(amount) spent from ${from} group by customer),
  scored as (select ntile(5) over (order by latest) r, ntile(5) over (order by orders) f, ntile(5) over (order by spent) m from each)
  select r, f, m, count(*) customers from scored group by r, f, m`);
const repeat = await run("repeat", `
  select count(*) customers, count(*) filter (where orders > 1) again from (select customer, count(*) orders from ${from} group by customer)`);
console.log(JSON.stringify({ seconds, customers: Number(repeat[0].customers), again: Number(repeat[0].again), cohortCells: cohorts.length, rfmCells: rfm.length }));
process.exit(0);
