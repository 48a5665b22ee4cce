// Reads wrangler.toml and the migrations, and writes what `serve.mjs` needs of them as one JSON file.
// Done once after a change: loading wrangler takes longer than starting the worker.
//
// usage: node describe.mjs WRANGLER_TOML OUT_JSON

import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  unstable_getMiniflareWorkerOptions as workerOptionsOf,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as splitSql,
} from "wrangler";

// Settings that are never in wrangler.toml, which is public.
const SECRETS = [
  "DEEPGRAM_API_KEY",
  "GROQ_API_KEY",
  "SETUP_CODE",
  "TWILIO_ACCOUNT_SID",
  "TWILIO_AUTH_TOKEN",
];

const [configPath, outPath] = process.argv.slice(2);
const config = readConfig({ config: resolve(configPath) });
const { workerOptions, main } = workerOptionsOf(config);

workerOptions.name = config.name;
// What wrangler read from .dev.vars has no place in a file: settings come from the environment when the worker starts.
workerOptions.bindings = {};
// The built folder holds only modules, which `serve.mjs` names one by one.
delete workerOptions.modulesRules;

const databases = config.d1_databases.map(({ binding, migrations_dir, migrations_table }) => ({
  binding,
  table: migrations_table ?? "d1_migrations",
  migrations: migrations_dir === undefined ? [] : migrationsIn(resolve(configPath, "..", migrations_dir)),
}));

const description = { main, workerOptions, vars: config.vars, secrets: SECRETS, databases };
writeFileSync(`${outPath}.partial`, JSON.stringify(description, null, 2));
renameSync(`${outPath}.partial`, outPath);

function migrationsIn(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({ name, statements: splitSql(readFileSync(join(folder, name), "utf8")) }));
}
