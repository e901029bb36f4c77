/**
 * An Exim of Debian in a temporary folder, on a free port. Debian's Exim and its Postfix exclude each other, so this one may also be unpacked beside:
 * `apt-get download exim4-daemon-light libidn12`, then `dpkg -x` of each into `/opt/exim4` (or another folder that `EXIM_ROOT` names).
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, listening } from './ports.ts';

const ROOTS = ['/', process.env['EXIM_ROOT'] ?? '/opt/exim4'];
const BINARY = 'usr/sbin/exim4';
const rootOf = (): string | undefined => ROOTS.find((root) => existsSync(join(root, BINARY)));

/** Why there can be none here, in words; null when there can. */
export const eximLacks = (): string | null => {
  if (rootOf() === undefined) return 'not run: there is no /usr/sbin/exim4, and none unpacked in /opt/exim4 (see tests/kit/exim.ts)';
  return userInfo().uid === 0 ? null : 'not run: Exim needs root to become the users that it runs as';
};

export interface EximServer {
  readonly port: number;
  /** What was delivered. */
  mails(): Promise<readonly string[]>;
  /** Whom it greylists it knows from now on. */
  know(): Promise<void>;
  stop(): Promise<void>;
}

const NOBODY = 65_534;

/**
 * Takes mail for `ann` and `grey` of the domain, for the latter once it knows who sends, and refuses what speaks of lotteries.
 * @throws when it does not come up
 */
export const startExim = async (domain: string, { key, cert }: Issued): Promise<EximServer> => {
  const root = rootOf() ?? '/';
  const home = await mkdtemp(join(tmpdir(), 'tidings-exim-'));
  const at = (name: string): string => join(home, name);
  await chmod(home, 0o755);
  for (const name of ['spool', 'log', 'mail']) {
    await mkdir(at(name));
    await chown(at(name), NOBODY, NOBODY);
  }
  await writeFile(at('key.pem'), key, { mode: 0o644 });
  await writeFile(at('cert.pem'), cert);
  const port = await freePort();
  await writeFile(
    at('exim.conf'),
    `exim_path = ${join(root, BINARY)}
exim_user = ${NOBODY}
exim_group = ${NOBODY}
keep_environment = LD_LIBRARY_PATH
spool_directory = ${at('spool')}
log_file_path = ${at('log')}/%slog
primary_hostname = ${domain}
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
host_lookup =
rfc1413_query_timeout = 0s
deliver_drop_privilege
tls_advertise_hosts = *
tls_certificate = ${at('cert.pem')}
tls_privatekey = ${at('key.pem')}
acl_smtp_rcpt = recipient
acl_smtp_data = content
begin acl
recipient:
  deny !domains = ${domain}
       message = 5.7.1 Relaying denied
  defer local_parts = grey
        condition = \${if exists{${at('known')}}{no}{yes}}
        message = 4.7.1 Greylisted, come again
  deny !verify = recipient
       message = 5.1.1 No such person here
  accept
content:
  deny condition = \${if match{$h_subject:}{lottery}}
       message = 5.7.1 No lotteries
  accept
begin routers
people:
  driver = accept
  local_parts = ann : grey
  transport = inbox
begin transports
inbox:
  driver = appendfile
  file = ${at('mail/inbox')}
  return_path_add
  envelope_to_add
`,
  );
  // Its own user is looked up by name as it starts, and is there only where the package was installed.
  const lists = (['passwd', 'group'] as const).filter((name) => !/^Debian-exim:/m.test(readFileSync(`/etc/${name}`, 'utf8')));
  for (const name of lists) {
    const line = name === 'passwd' ? `Debian-exim:x:${NOBODY}:${NOBODY}::/:/usr/sbin/nologin` : `Debian-exim:x:${NOBODY}:`;
    await writeFile(at(name), `${readFileSync(`/etc/${name}`, 'utf8')}${line}\n`);
  }
  const mounts = lists.map((name) => `mount --bind ${at(name)} /etc/${name}`);
  const start = [...mounts, `exec ${join(root, BINARY)} -C ${at('exim.conf')} -bdf -q1m`].join(' && ');
  const child = spawn('unshare', ['--mount', 'sh', '-c', start], {
    stdio: 'ignore',
    env: { ...process.env, LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') },
  });
  await listening('Exim', port, child, 30_000);
  return {
    port,
    mails: async () => {
      const file = at('mail/inbox');
      return existsSync(file) ? (await readFile(file, 'utf8')).split(/^(?=From )/m).filter((mail) => mail !== '') : [];
    },
    know: () => writeFile(at('known'), ''),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};
