/** `DATA_DIR/run.json`: what runs where, for the other commands and for scripts. There while it runs, and after a crash until the next start. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRight } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { nullable } from '@tidings/contracts/codec';
import { isAlive } from '@tidings/infra/postgres/postmaster';
import type { Running } from './messages.ts';

const Running = t.type({
  pid: t.number,
  httpUrl: nullable(t.string),
  smtp: nullable(t.type({ host: t.string, port: t.number })),
  devIssuer: nullable(t.string),
  embeddedUrl: nullable(t.string),
});

const fileIn = (dataDir: string): string => join(dataDir, 'run.json');

export const writeRunFile = (dataDir: string, running: Running): void => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(`${fileIn(dataDir)}.new`, `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${fileIn(dataDir)}.new`, fileIn(dataDir));
};

export const removeRunFile = (dataDir: string): void => rmSync(fileIn(dataDir), { force: true });

/** Null when nothing runs on this data folder; a file that a crash left does not count. */
export const readRunFile = (dataDir: string): Running | null => {
  try {
    const decoded = Running.decode(JSON.parse(readFileSync(fileIn(dataDir), 'utf8')));
    return isRight(decoded) && isAlive(decoded.right.pid) ? decoded.right : null;
  } catch {
    // not there: nothing runs
    return null;
  }
};
