/** Processes of a program under test. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The supervisor's child that runs this group. */
export const childPid = (programPid: number, group: string): number | null => {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (Number(parent) === programPid && command.some((part) => part.endsWith('child.ts')) && command.includes(group))
        return Number(name);
    } catch {
      // it ended while we looked
    }
  }
  return null;
};

/** How much memory the process that listens on this port holds; asks for the process once, as that costs more than most looks. */
export const residentMegabytesOf = (port: number | string): (() => number) => {
  const listener = execFileSync('ss', ['-ltnpH', `sport = :${port}`]).toString();
  const pid = /pid=(\d+)/.exec(listener)?.[1];
  return () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
};
