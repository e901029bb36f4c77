/** One Tidings per data folder: a file that names the process using it, which a crash leaves behind and the next start sees through. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as t from 'io-ts';
import { isRight } from 'fp-ts/lib/Either.js';
import { EmbeddedPostgresError } from './errors.ts';
import { isAlive } from './postmaster.ts';

const Owner = t.type({ pid: t.number, started: t.string });

/** Takes the folder or says who has it. @throws EmbeddedPostgresError */
export const claim = (file: string): (() => void) => {
  const other = readOwner(file);
  if (other !== null && isAlive(other.pid) && startOf(other.pid) === other.started && other.pid !== process.pid) {
    throw new EmbeddedPostgresError(`another Tidings (process ${other.pid}) is using this data folder; stop it first, or set another DATA_DIR (${file})`);
  }
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { mode: 0o600 });
  return () => rmSync(file, { force: true });
};

const readOwner = (file: string): t.TypeOf<typeof Owner> | null => {
  try {
    const parsed = Owner.decode(JSON.parse(readFileSync(file, 'utf8')));
    return isRight(parsed) ? parsed.right : null;
  } catch {
    // absent, or half written by a process that died: nobody owns the folder
    return null;
  }
};

/** When a process began, in clock ticks since boot, so that a number used again is not taken for its predecessor; '' where /proc is missing. */
const startOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
};
