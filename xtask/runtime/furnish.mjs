// Gives a worker on this machine what trying the dashboard takes: a first owner, and a business with made-up records.
//
// usage: SETUP_CODE=… node furnish.mjs ORIGIN SIGN_IN_JSON
//
// The owner's address and password stay in SIGN_IN_JSON, and go to stdout as one line. Where somebody else has made the first owner,
// nothing is done and nothing is said. Made-up records that were removed stay removed; others are made anew, so that they go up to today.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const [origin, file] = process.argv.slice(2);

async function ask(method, path, { body, cookie } = {}) {
  const headers = { Origin: origin };
  if (body) headers["Content-Type"] = "application/json";
  if (cookie) headers.Cookie = cookie;
  const answer = await fetch(origin + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${text}`);
  const session = answer.headers.get("set-cookie")?.split(";")[0];
  return { session, json: text ? JSON.parse(text) : undefined };
}

async function owner() {
  const { possible } = (await ask("GET", "/api/setup")).json;
  if (possible) {
    const signIn = { email: "owner@example.com", password: randomBytes(12).toString("base64url") };
    const body = { code: process.env.SETUP_CODE, name: "Owner", ...signIn };
    const { session } = await ask("POST", "/api/setup", { body });
    writeFileSync(file, JSON.stringify(signIn), { mode: 0o600 });
    return { signIn, cookie: session, isNew: true };
  }
  if (!existsSync(file)) return undefined;
  const signIn = JSON.parse(readFileSync(file, "utf8"));
  const { session } = await ask("POST", "/api/session", { body: signIn });
  return { signIn, cookie: session, isNew: false };
}

try {
  const found = await owner();
  if (found) {
    const { signIn, cookie, isNew } = found;
    const { sites } = (await ask("GET", "/api/sites", { cookie })).json;
    if (isNew || sites.some(({ demo }) => demo)) await ask("POST", "/api/demo", { cookie });
    if (!isNew) await ask("DELETE", "/api/session", { cookie });
    process.stdout.write(`${signIn.email}, password ${signIn.password}\n`);
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
