/**
 * Real rspamd and clamd for tests, as Debian packages them, offline: rspamd without DNS, clamd with one signature of our own (the EICAR test
 * file's). Each in a folder of its own, on a free port.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, listening } from './ports.ts';

export interface RunningChecker {
  readonly url: string;
  /** Ends it; its port stays free for `start`. */
  readonly stop: () => Promise<void>;
  /** Again, at the same place. */
  readonly start: () => Promise<void>;
  /** Ends it for good. */
  readonly remove: () => Promise<void>;
}

/** The antivirus industry's harmless test file; put together here, so that no scanner finds it in our sources. */
export const eicar = (): string => ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('-');
/** rspamd's own: mail with this in it is rejected. */
export const GTUBE = ['XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE', 'STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'].join('-');

/** Why they cannot run here; null when they can. */
export const rspamdLacks = (): string | null => (existsSync('/usr/bin/rspamd') ? null : 'rspamd is not installed (Debian: rspamd)');
export const clamdLacks = (): string | null => (existsSync('/usr/sbin/clamd') ? null : 'clamd is not installed (Debian: clamav-daemon)');

export const startRspamd = async (): Promise<RunningChecker> => {
  const home = await homeOf('rspamd');
  const port = await freePort();
  const config = join(home, 'rspamd.conf');
  await writeFile(
    config,
    `.include "$CONFDIR/common.conf"
options {
  pidfile = "${home}/rspamd.pid"; control_socket = "${home}/control.sock mode=0600"; filters = "chartable,dkim,regexp";
  dns { nameserver = ["127.0.0.1:1:1"]; timeout = 0.1s; retransmits = 1; }
}
logging { type = "console"; level = "error"; }
worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }
`,
  );
  const as = isRoot() ? ['-u', '_rspamd', '-g', '_rspamd'] : [];
  const folders = ['DBDIR', 'RUNDIR', 'LOGDIR'].flatMap((name) => ['--var', `${name}=${home}`]);
  return running('/usr/bin/rspamd', ['-f', '-i', ...as, '-c', config, ...folders], `http://127.0.0.1:${port}`, port, home);
};

export const startClamd = async (): Promise<RunningChecker> => {
  const home = await homeOf('clamd');
  const port = await freePort();
  const config = join(home, 'clamd.conf');
  await mkdir(join(home, 'signatures'), { mode: 0o777 });
  const file = eicar();
  await writeFile(
    join(home, 'signatures', 'own.hdb'),
    `${createHash('md5').update(file).digest('hex')}:${file.length}:Eicar-Test-Signature\n`,
  );
  await writeFile(
    config,
    [
      'Foreground yes',
      `TCPSocket ${port}`,
      'TCPAddr 127.0.0.1',
      `DatabaseDirectory ${home}/signatures`,
      `LogFile ${home}/log`,
      'StreamMaxLength 2M',
    ]
      .concat(isRoot() ? ['User clamav'] : [])
      .join('\n') + '\n',
  );
  return running('/usr/sbin/clamd', ['-c', config], `tcp://127.0.0.1:${port}`, port, home);
};

const isRoot = (): boolean => userInfo().uid === 0;

/** Open to the user that the program becomes when root starts it. */
const homeOf = async (name: string): Promise<string> => {
  const home = await mkdtemp(join(tmpdir(), `tidings-${name}-`));
  await chmod(home, 0o777);
  return home;
};

const UP_WITHIN_MS = 60_000;

const running = async (command: string, args: readonly string[], url: string, port: number, home: string): Promise<RunningChecker> => {
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const started = spawn(command, args, { stdio: 'ignore' });
    child = started;
    await listening('the checker', port, started, UP_WITHIN_MS);
  };
  const stop = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  await start();
  return {
    url,
    start,
    stop,
    remove: async () => {
      await stop();
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};
