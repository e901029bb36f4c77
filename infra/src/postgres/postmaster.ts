/** The server process: how it is started under guard, and what its own `postmaster.pid` tells about it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './place.ts';

/**
 * The guardian lives in a session of its own, outside our process group, and holds the read end of a pipe to us. When we end, however
 * we end, the pipe closes and it asks Postgres for a fast shutdown (SIGINT). So `kill -9` of our whole group leaves nothing running.
 */
const GUARDIAN = `
exec 3<&0 </dev/null
"$@" 3<&- &
pid=$!
( read -r _ <&3; kill -INT "$pid" 2>/dev/null ) &
watcher=$!
exec 3<&-
trap 'kill -INT "$pid" 2>/dev/null' TERM INT HUP
wait "$pid"; status=$?
while kill -0 "$pid" 2>/dev/null; do wait "$pid"; status=$?; done
kill "$watcher" 2>/dev/null
exit "$status"
`;

export interface Guarded {
  /** Resolves when Postgres and its guardian are gone. */
  readonly exited: Promise<void>;
  readonly hasExited: () => boolean;
  /** Asks for a fast shutdown. */
  readonly release: () => void;
}

export const spawnGuarded = (command: readonly string[], logFile: string, account: Account | undefined): Guarded => {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn('/bin/sh', ['-c', GUARDIAN, 'tidings-postgres', ...command], {
    stdio: ['pipe', log, log],
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
    ...account,
  });
  closeSync(log);
  // The pipe carries nothing; it may break when Postgres ends before us.
  child.stdin?.on('error', () => undefined);
  let gone = false;
  const exited = once(child, 'close').then(
    () => void (gone = true),
    () => void (gone = true),
  );
  return { exited, hasExited: () => gone, release: () => void child.stdin?.end() };
};

export interface Postmaster {
  readonly pid: number;
  readonly status: string;
}

const LINE_OF_STATUS = 7;

/** What `postmaster.pid` says, or null without one. It may be stale. */
export const readPostmaster = (dataDir: string): Postmaster | null => {
  let text: string;
  try {
    text = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8');
  } catch {
    return null;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, status: lines[LINE_OF_STATUS]?.trim() ?? '' } : null;
};

/** Whether that process is a Postgres on that folder; after a reboot the number may be somebody else's. */
export const isPostgresAlive = (pid: number, dataDir: string): boolean => {
  if (!isAlive(pid)) return false;
  if (!existsSync('/proc/self/cmdline')) return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataDir);
  } catch {
    return false;
  }
};

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

/** The end of the server log, for error messages. */
export const logTail = (logFile: string, lines = 12): string => {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no server log)';
  }
};
