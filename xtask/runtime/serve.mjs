// Runs the built worker on workerd: assets, Durable Objects and D1 as wrangler.toml has them (see describe.mjs).
//
// usage: node serve.mjs DESCRIPTION_JSON --port N --state DIR
//
// Settings come from the environment; one that is not set keeps wrangler.toml's value. WORKERS_AI_BASE_URL is none of the
// worker's: it gives the worker the binding AI, whose requests go to /workers-ai there. Without it there is no such binding, since
// nothing on this machine could answer it. Migrations are applied before
// the line `listening on http://127.0.0.1:PORT` goes to stdout, and nothing else ever does: the worker's log goes to
// stderr. Ends on SIGTERM, on SIGINT and when stdin closes, so that it never outlives whoever started it.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

// Long enough for any real start, short enough that a stuck one is noticed.
const FIRST_ANSWER_MS = 20_000;

class StderrLog extends Log {
  log(message) {
    process.stderr.write(`${message}\n`);
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, state: { type: "string" } },
});
const description = JSON.parse(readFileSync(positionals[0], "utf8"));

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    ...description.workerOptions,
    modules: modulesOf(description.main),
    modulesRoot: dirname(description.main),
    bindings: settings(description),
    ai: modelsBinding(process.env.WORKERS_AI_BASE_URL),
    host: "127.0.0.1",
    port: Number(values.port),
    resourcePersistencePath: values.state,
    resourceTmpPath: values.state,
    unsafeTriggerHandlers: true, // as `wrangler dev` has it: GET /cdn-cgi/local/scheduled runs what crons run
    cf: false, // the default asks a server on the internet where this machine is
    log: new StderrLog(LogLevel.WARN),
    logRequests: false,
    handleStructuredLogs: ({ message }) => process.stderr.write(`${message}\n`),
  }),
);

let ending = false;
async function end(code) {
  if (ending) return;
  ending = true;
  await miniflare.dispose().catch(() => {});
  process.exit(code);
}
process.on("SIGTERM", () => end(0));
process.on("SIGINT", () => end(0));
process.stdin.on("end", () => end(0)).on("error", () => end(0)).resume();

try {
  const url = await miniflare.ready;
  for (const database of description.databases) await migrate(database);
  // The first request compiles and starts the worker: a caller should not wait for that.
  const answer = await fetch(new URL("/healthz", url), { signal: AbortSignal.timeout(FIRST_ANSWER_MS) });
  const words = await answer.text();
  // 503 is the worker's own word that a setting is missing: it can be read, and the pages are served.
  if (answer.status === 503) process.stderr.write(`not ready for calls: ${words}\n`);
  else if (answer.status >= 500) throw new Error(`/healthz answers ${answer.status}: ${words}`);
  process.stdout.write(`listening on http://127.0.0.1:${url.port}\n`);
} catch (error) {
  if (!ending) {
    process.stderr.write(`the worker did not start: ${error.message}\n`);
    await end(1);
  }
}

// worker-build leaves one script, bundled, and the wasm it imports.
function modulesOf(main) {
  const folder = dirname(main);
  const wasm = readdirSync(folder).filter((name) => name.endsWith(".wasm"));
  return [
    { type: "ESModule", path: main },
    ...wasm.map((name) => ({ type: "CompiledWasm", path: join(folder, name) })),
  ];
}

// It is the runtime's own, as it is deployed; only the far end of its requests is another.
function modelsBinding(base) {
  return base ? { binding: "AI", remoteProxyConnectionString: new URL("/workers-ai", base) } : undefined;
}

function settings({ vars, secrets }) {
  const found = { ...vars };
  for (const name of [...Object.keys(vars), ...secrets]) {
    if (process.env[name] !== undefined) found[name] = process.env[name];
  }
  return found;
}

// The same table and order as `wrangler d1 migrations apply`, so that either can go on from the other.
async function migrate({ binding, table, migrations }) {
  const db = await miniflare.getD1Database(binding);
  await db
    .prepare(
      `CREATE TABLE IF NOT EXISTS "${table}" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,` +
        " applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const { results } = await db.prepare(`SELECT name FROM "${table}"`).all();
  const applied = new Set(results.map(({ name }) => name));
  for (const { name, statements } of migrations) {
    if (applied.has(name)) continue;
    await db.batch([
      ...statements.map((statement) => db.prepare(statement)),
      db.prepare(`INSERT INTO "${table}" (name) VALUES (?)`).bind(name),
    ]);
  }
}
