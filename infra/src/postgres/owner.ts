/** One Tidings per data folder: a file that names the process using it, which a crash leaves behind and the next start sees through. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as t from 'io-ts';
import { isRight } from 'fp-ts/lib/Either.js';
import { EmbeddedPostgresError } from './errors.ts';
import { isAlive } from './postmaster.ts';

const Owner = t.type({ pid: t.number, started: t.string });
type Owner = t.TypeOf<typeof Owner>;

/** A process that was just killed may take this long to be gone. */
const DYING_MS = 1_000;

/** Takes the folder or says who has it. @throws EmbeddedPostgresError */
export const claim = async (file: string): Promise<() => void> => {
  const deadline = Date.now() + DYING_MS;
  for (;;) {
    const other = readOwner(file);
    if (other === null || other.pid === process.pid || !isSameProcess(other)) break;
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        `another Tidings (process ${other.pid}) is using this data folder; stop it first, or set another DATA_DIR (${file})`,
      );
    }
    await delay(20);
  }
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: statOf(process.pid).started }), { mode: 0o600 });
  return () => rmSync(file, { force: true });
};

const readOwner = (file: string): Owner | null => {
  try {
    const parsed = Owner.decode(JSON.parse(readFileSync(file, 'utf8')));
    return isRight(parsed) ? parsed.right : null;
  } catch {
    // absent, or half written by a process that died: nobody owns the folder
    return null;
  }
};

const isSameProcess = ({ pid, started }: Owner): boolean => {
  if (!isAlive(pid)) return false;
  const found = statOf(pid);
  return found.started === started && found.state !== 'Z'; // a zombie only waits for its parent to look
};

/** When a process began, in clock ticks since boot, so that a number used again is not taken for its predecessor; '' where /proc is missing. */
const statOf = (pid: number): { readonly state: string; readonly started: string } => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, started: fields[18] ?? '' };
  } catch {
    return { state: '', started: '' };
  }
};
